// Asks for the next refresh when it is due, once for each answer; a hidden tab asks when it is looked at again. An answer
// that is lost on its way comes with the next question.
const LOST = 20000; // ms without an answer
export default function ({ data, parentElement, setTriggerValue }) {
  const element = parentElement.closest('[data-testid="stElementContainer"]') ?? parentElement;
  element.style.display = "none"; // it shows nothing, and is to take no room
  let timer;
  const ask = () => {
    setTriggerValue("beat", data.beat);
    timer = setTimeout(due, LOST);
  };
  const due = () => (document.hidden ? document.addEventListener("visibilitychange", ask, { once: true }) : ask());
  timer = setTimeout(due, 1000 * data.after);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", ask);
  };
}
