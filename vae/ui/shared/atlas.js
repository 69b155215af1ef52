// Pictures for figures to show as thumbnails: kept in the window, the few latest only.
const KEPT = 8;

export default function ({ data }) {
  const held = (window.vaeAtlases ??= {});
  delete held[data.name];
  held[data.name] = data;
  for (const old of Object.keys(held).slice(0, -KEPT)) delete held[old];
}
