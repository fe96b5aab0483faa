// How old what a page shows is. The browser counts on from the age that came with the news, by itself: Dash's own
// callbacks wait while one of them is under way, and would stand still with a server that hangs.
(function () {
  "use strict";
  const received = new WeakMap();
  // A page renews itself every five seconds; until it has, it cannot know that nothing newer was told meanwhile.
  const RENEWAL_SECONDS = 6;

  function duration(seconds) {
    const s = Math.floor(seconds);
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min";
    if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
    return Math.floor(s / 86400) + " d";
  }

  // The wall clock counts too: the other one stands still while the computer sleeps.
  function secondsSince(news) {
    return Math.max(performance.now() - news.ticks, Date.now() - news.at, 0) / 1000;
  }

  // The words and the class of one age, from what the server said (dashboard/figures/live/collector_status.py) and when it came.
  function told(news) {
    const said = news.said, isLost = window.bairroConnection && window.bairroConnection.isLost();
    if (said.age === null) return isLost ? ["▲ not renewed", "old"] : [said.lead, said.kind];
    const age = said.age + secondsSince(news), old = " " + duration(age) + " old";
    if (isLost) return ["▲ not renewed · data" + old, "old"];
    if (!said.kind && age > said.stale_after + RENEWAL_SECONDS) return [said.late + old, "old"];
    return [said.lead + old, said.kind];
  }

  function write() {
    for (const element of document.querySelectorAll("[data-freshness]")) {
      const text = element.dataset.freshness;
      let news = received.get(element);
      if (!news || news.text !== text) {
        news = {text: text, said: JSON.parse(text), ticks: performance.now(), at: Date.now()};
        received.set(element, news);
      }
      const [words, kind] = told(news);
      if (element.textContent !== words) element.textContent = words;
      element.className = ("age " + kind).trim();
    }
  }

  setInterval(write, 500);
  window.addEventListener("bairroconnection", write);
})();
