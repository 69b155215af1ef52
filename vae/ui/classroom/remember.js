// Keeps the owner's name in a cookie, so that a reload finds its class again.
export default function ({ data, parentElement }) {
  (parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement).style.display = "none";
  document.cookie = `vae_owner=${data.owner}; path=/; SameSite=Strict; max-age=2592000`;
}
