// The night's slider plays by itself where somebody asks for it, and the address keeps the moment that is shown.
(function () {
  "use strict";
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    replay: {
      play: (clicks, isStill) => [!isStill, isStill ? "❚❚ Pause" : "▶ Play"],
      next: (ticks, at, most) => (at >= most ? 0 : Math.min(at + 5, most)),
      remember: function (at) {
        const url = new URL(window.location.href);
        if (url.pathname !== "/replay" || at === null || at === undefined) return;
        url.searchParams.set("at", at);
        window.history.replaceState(window.history.state, "", url.pathname + url.search);
      },
    },
  });
})();
