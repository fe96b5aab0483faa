// How old what a page shows is: the server's time, which comes with its answers (connection.js) and is counted on from
// here, less the time that the news are of. Dash's own callbacks wait while one of them is under way, and would stand still
// with a server that hangs. The browser's own time of day is not asked: it may be wrong.
(function () {
  "use strict";
  const read = new WeakMap();
  // A page renews itself every five seconds; until it has, it cannot know that nothing newer was told meanwhile.
  const RENEWAL_SECONDS = 6;

  function duration(seconds) {
    const s = Math.floor(seconds), m = Math.round(s / 60), h = Math.round(s / 3600);
    if (s < 60) return s + " s";
    if (m < 60) return m + " min";
    if (m < 1440) return Math.floor(m / 60) + " h " + String(m % 60).padStart(2, "0") + " min";
    return Math.floor(h / 24) + " d " + (h % 24) + " h";
  }

  // The words and the class of one age, from what the server said (dashboard/figures/live/collector_status.py).
  function told(said) {
    const isLost = window.bairroConnection.isLost(), now = window.bairroConnection.serverSeconds();
    if (said.seen_at === null) return isLost ? ["▲ not renewed", "old"] : [said.lead, said.kind];
    if (now === null) return ["▲ age of the data not known", "old"];
    const age = Math.max(now - said.seen_at, 0), old = " " + duration(age) + " old";
    if (isLost) return ["▲ not renewed · data" + old, "old"];
    if (!said.kind && age > said.stale_after + RENEWAL_SECONDS) return [said.late + old, "old"];
    return [said.lead + old, said.kind];
  }

  function write() {
    for (const element of document.querySelectorAll("[data-freshness]")) {
      const text = element.dataset.freshness;
      let news = read.get(element);
      if (!news || news.text !== text) {
        news = {text: text, said: JSON.parse(text)};
        read.set(element, news);
      }
      const [words, kind] = told(news.said);
      if (element.textContent !== words) element.textContent = words;
      element.className = ("age " + kind).trim();
    }
  }

  setInterval(write, 500);
  window.addEventListener("bairroconnection", write);
})();
