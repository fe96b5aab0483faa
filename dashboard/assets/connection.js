// Says within ten seconds that the page no longer hears from its server, and takes it back when it does again.
// Dash itself is silent then: what is on the screen would go on looking like news.
(function () {
  "use strict";
  const PROBE_MS = 2000, AGAIN_MS = 500, ANSWER_MS = 3000, MISSES = 2;
  const TEXT = {
    lost: "This page has lost its connection to the dashboard. What it shows is as it was at ",
    failed: "The dashboard cannot renew a part of this page. What it shows is as it was at ",
    lostWhy: ". It tries again every few seconds; if it stays so, look whether “bairro serve” runs and can be reached.",
    failedWhy: ". The log of “bairro serve” says why.",
    ended: "Your session has ended. What is typed here stays: sign in again in another tab, then go on here. What is shown is as it was at ",
    endedWhy: ". ",
    notYours: "Your role does not allow this, so nothing was done. What is shown is as it was at ",
    notYoursWhy: ".",
    signIn: "Sign in in a new tab",
  };
  const prefix = (function () {
    try { return JSON.parse(document.getElementById("_dash-config").textContent).requests_pathname_prefix || "/"; }
    catch (error) { return "/"; }
  });
  const ask = window.fetch.bind(window);
  const failed = new Map(), KINDS = {401: "ended", 403: "notYours"};
  let server = null;
  let misses = 0, heardAt = new Date(), isLeaving = false, shown = "";

  function state() {
    const kinds = [...failed.values()];
    return misses >= MISSES ? "lost" : ["ended", "notYours"].find((kind) => kinds.includes(kind)) || (kinds.length ? "failed" : "");
  }

  function clock(at) {
    const two = (number) => String(number).padStart(2, "0");
    return two(at.getHours()) + ":" + two(at.getMinutes()) + ":" + two(at.getSeconds());
  }

  function banner() {
    let line = document.getElementById("connection");
    if (!line) {
      line = document.createElement("div");
      line.id = "connection";
      line.setAttribute("role", "alert");
      document.body.prepend(line);
    }
    return line;
  }

  function show() {
    const now = isLeaving ? "" : state(), root = document.documentElement;
    if (now === shown) return;
    shown = now;
    const line = banner();
    line.textContent = "";
    if (now) {
      const mark = document.createElement("span"), said = document.createElement("div");
      mark.setAttribute("aria-hidden", "true");
      mark.textContent = "■";
      said.textContent = TEXT[now] + clock(heardAt) + TEXT[now + "Why"];
      if (now === "ended") {
        const link = document.createElement("a");
        link.href = prefix() + "sign-in";
        link.target = "_blank";
        link.textContent = TEXT.signIn;
        said.append(link);
      }
      line.append(mark, said);
      root.dataset.connection = now;
    } else {
      delete root.dataset.connection;
    }
    line.className = now ? "banner alarm" : "";
    root.style.setProperty("--lost", now ? line.offsetHeight + "px" : "0px");
    window.dispatchEvent(new Event("bairroconnection"));
  }

  function heard() { misses = 0; if (!failed.size) heardAt = new Date(); show(); }

  // --- the server's time, which every answer that counts as news brings along ---
  function noteTime(answer) {
    const seconds = Number(answer.headers.get("Bairro-Time") || NaN);
    if (!Number.isNaN(seconds)) server = {seconds: seconds, ticks: performance.now(), at: Date.now()};
  }

  // The wall clock counts too: the other one stands still while the computer sleeps.
  function serverSeconds() {
    return server && server.seconds + Math.max(performance.now() - server.ticks, Date.now() - server.at, 0) / 1000;
  }

  // --- Dash's own requests: each says at once whether it was answered ---
  function isUpdate(url) { return url.includes("_dash-update-component"); }
  function outputOf(options) {
    try { return String(JSON.parse(options.body).output); } catch (error) { return "?"; }
  }
  window.fetch = function (resource, options) {
    const url = String((resource && resource.url) || resource);
    if (!isUpdate(url)) return ask(resource, options);
    const output = outputOf(options || {});
    const asked = ask(resource, options);
    asked.catch(() => { misses += 1; show(); });
    return asked.then(function (answer) {
      noteTime(answer);
      if (answer.ok) {
        if (output.startsWith("page.")) failed.clear();
        failed.delete(output);
        for (const [one, kind] of failed) if (kind === "ended") failed.delete(one);
        heard();
      } else {
        failed.set(output, KINDS[answer.status] || "failed");
        show();
      }
      return answer;
    });
  };

  // --- a question of our own, for pages that ask nothing, and for a server that takes requests and answers none ---
  function probe() {
    const giveUp = new AbortController(), timer = setTimeout(() => giveUp.abort(), ANSWER_MS);
    ask(prefix() + "-/healthy", {cache: "no-store", signal: giveUp.signal})
      .then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); noteTime(answer); heard(); })
      .catch((error) => { misses += error.name === "AbortError" ? MISSES : 1; show(); })
      .finally(() => { clearTimeout(timer); setTimeout(probe, misses && misses < MISSES ? AGAIN_MS : PROBE_MS); });
  }

  // Whether the age of a page is news no more: nothing comes, or what comes is an error.
  function isLost() { return state() === "lost" || [...failed.keys()].some((output) => output.includes("-age.")); }
  window.bairroConnection = {isLost: isLost, serverSeconds: serverSeconds};
  window.addEventListener("pagehide", () => { isLeaving = true; });
  window.addEventListener("pageshow", () => { isLeaving = false; });
  window.addEventListener("resize", () => { shown = null; show(); });
  setTimeout(probe, PROBE_MS);
})();
