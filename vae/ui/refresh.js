// Asks for the next refresh when it is due, once for each answer; a hidden tab asks when it is looked at again.
export default function ({ data, parentElement, setTriggerValue }) {
  const element = parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement;
  element.style.display = "none"; // it shows nothing, and is to take no room
  const ask = () => setTriggerValue("beat", data.beat);
  const due = () => (document.hidden ? document.addEventListener("visibilitychange", ask, { once: true }) : ask());
  const timer = setTimeout(due, 1000 * data.after);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", ask);
  };
}
