// What a wall does by itself: no frame around it, a sound for a new incident where somebody wants one, pages in turn, Escape to leave.
(function () {
  "use strict";
  const CHECK_MS = 1000, LEAST_SECONDS = 5, USUAL_SECONDS = 30, TONES = [880, 660, 880];
  const TEXT = {on: "♪ Sound is on", off: "Sound is off", wait: "♪ Click to allow sound"};
  const asked = () => new URLSearchParams(window.location.search);
  const isWall = () => asked().get("view") === "wall";
  let sound = null, known = null, turnedAt = Date.now();

  function wanted() {
    try { return localStorage.getItem("wall-sound") === "on"; } catch (error) { return Boolean(sound); }
  }
  function want(isOn) {
    try { localStorage.setItem("wall-sound", isOn ? "on" : "off"); } catch (error) { /* private window: not remembered */ }
  }

  function play() {
    if (!sound || sound.state !== "running") return;
    TONES.forEach(function (tone, place) {
      const from = sound.currentTime + 0.25 * place, source = sound.createOscillator(), level = sound.createGain();
      source.frequency.value = tone;
      level.gain.setValueAtTime(0.3, from);
      level.gain.exponentialRampToValueAtTime(0.001, from + 0.22);
      source.connect(level).connect(sound.destination);
      source.start(from);
      source.stop(from + 0.23);
    });
    window.bairroSounds = (window.bairroSounds || 0) + 1;
  }

  // Browsers let a page sound only after somebody has clicked on it.
  function choose() {
    const isOn = !(wanted() && sound && sound.state === "running");
    want(isOn);
    if (isOn) {
      sound = sound || new window.AudioContext();
      sound.resume().then(play);
    }
    label();
  }

  function label() {
    const button = document.getElementById("wall-sound");
    if (!button) return;
    const text = !wanted() ? TEXT.off : sound && sound.state === "running" ? TEXT.on : TEXT.wait;
    if (button.textContent !== text) button.textContent = text;
    button.setAttribute("aria-pressed", String(wanted()));
  }

  // Only what was not there before: a wall that is switched on in the middle of a night does not shout.
  function listen() {
    const element = document.getElementById("wall-news");
    if (!element) return;
    const now = JSON.parse(element.dataset.news);
    if (known && wanted() && now.some((one) => !known.has(one))) play();
    known = new Set([...(known || []), ...now]);
  }

  // ?view=wall&pages=/,/incidents&seconds=30: one after the other, with the rest of the address as it is.
  function turn() {
    const pages = (asked().get("pages") || "").split(",").filter((path) => /^\/(?!\/)/.test(path));
    const seconds = Math.max(Number(asked().get("seconds")) || USUAL_SECONDS, LEAST_SECONDS);
    if (pages.length < 2 || Date.now() - turnedAt < 1000 * seconds) return;
    turnedAt = Date.now();
    const next = pages[(pages.indexOf(window.location.pathname) + 1) % pages.length];
    go(next + window.location.search);
  }

  function go(href) {
    window.history.replaceState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  setInterval(function () {
    document.documentElement.toggleAttribute("data-wall", isWall());
    if (!isWall()) return;
    label();
    listen();
    turn();
  }, CHECK_MS);
  document.documentElement.toggleAttribute("data-wall", isWall());
  document.addEventListener("click", (event) => { if (event.target.closest("#wall-sound")) choose(); });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && isWall() && !document.querySelector("dialog[open]")) go(window.location.pathname);
  });
})();
