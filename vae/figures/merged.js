// A layout with changes to it, however deep: for whatever draws one of our figures in a browser.
function merged(base, changes) {
  const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const result = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    result[key] = plain(value) && plain(base[key]) ? merged(base[key], value) : value;
  }
  return result;
}
