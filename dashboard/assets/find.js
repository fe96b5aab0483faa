// Find anything: "/" or the button in the header opens it; arrows choose, Enter opens, Escape closes (the combobox pattern of
// the ARIA Authoring Practices, with a list box).
(function () {
  "use strict";
  const WAIT_MS = 120, GIVE_UP_MS = 8000;
  const TEXT = {
    title: "Find a device, an address, a port, an area or an incident",
    none: "No match. Try another part of its name, or its address.",
    ended: "Your session has ended. Sign in again in another tab.",
    failed: "The dashboard did not answer. Type on, and it is asked again.",
    keys: "↑ ↓ to choose, Enter to open, Esc to close",
  };
  let box = null, field, list, status, found = [], chosen = -1, timer = null, under = null;

  function make(tag, properties, parent) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
    parent.append(element);
    return element;
  }

  function build() {
    box = make("dialog", {id: "find", "aria-label": TEXT.title}, document.body);
    field = make("input", {
      type: "text", id: "find-field", role: "combobox", "aria-expanded": "false", "aria-controls": "find-list", "aria-autocomplete": "list",
      "aria-label": TEXT.title, placeholder: TEXT.title, autocomplete: "off", spellcheck: "false", maxlength: "100",
    }, box);
    list = make("ul", {id: "find-list", role: "listbox", "aria-label": TEXT.title}, box);
    status = make("p", {id: "find-status", role: "status"}, box);
    make("p", {class: "how"}, box).textContent = TEXT.keys;
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT_MS); });
    field.addEventListener("keydown", onKey);
    list.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) open(Number(item.dataset.place), event.ctrlKey || event.metaKey);
    });
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  }

  function show() {
    if (!box) build();
    if (box.open) return;
    box.showModal();
    field.select();
  }

  function onKey(event) {
    const last = found.length - 1;
    const to = {ArrowDown: chosen < last ? chosen + 1 : 0, ArrowUp: chosen > 0 ? chosen - 1 : last}[event.key];
    if (to !== undefined) { event.preventDefault(); choose(to); }
    if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); open(chosen, event.ctrlKey || event.metaKey); }
  }

  function ask() {
    const wanted = field.value.trim();
    if (under) under.abort();
    if (!wanted) return take([], "");
    const asked = under = new AbortController(), late = setTimeout(() => asked.abort("late"), GIVE_UP_MS);
    fetch("/find.json?q=" + encodeURIComponent(wanted), {cache: "no-store", signal: asked.signal})
      .then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); })
      .then((told) => { if (asked === under) take(told.found, told.found.length ? "" : TEXT.none); })
      .catch((error) => { if (asked === under) take([], error.message === "401" ? TEXT.ended : TEXT.failed); })
      .finally(() => clearTimeout(late));
  }

  function take(told, said) {
    found = told;
    list.textContent = "";
    told.forEach(function (one, place) {
      const item = make("li", {role: "option", id: "find-" + place, "data-place": place, "aria-selected": "false"}, list);
      make("span", {class: "shape", "aria-hidden": "true"}, item).textContent = one.shape;
      make("b", {}, item).textContent = one.name;
      make("span", {class: "kind"}, item).textContent = one.kind;
      make("small", {}, item).textContent = one.detail;
    });
    status.textContent = said || (told.length ? told.length + (told.length === 1 ? " found" : told.length < 20 ? " found" : " shown, the best first") : "");
    field.setAttribute("aria-expanded", String(told.length > 0));
    choose(told.length ? 0 : -1);
  }

  function choose(place) {
    chosen = place;
    for (const item of list.children) item.setAttribute("aria-selected", String(Number(item.dataset.place) === place));
    if (place < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", "find-" + place);
    list.children[place].scrollIntoView({block: "nearest"});
  }

  function open(place, isBeside) {
    const href = found[place].href;
    if (isBeside) { window.open(href, "_blank", "noopener"); return; }
    box.close();
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  const isTyping = (at) => at.isContentEditable || at.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    show();
  });
  document.addEventListener("click", (event) => { if (event.target.closest("#find-open")) show(); });
})();
