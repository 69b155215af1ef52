// A text that people read, with what stands in its fields. The server puts it into the reader's language (assets.py).
const words = (text, ...fields) => text.replace(/\{(\d)\}/g, (_, i) => fields[i]);
