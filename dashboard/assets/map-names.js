// Names on maps: each stands beside its area's shape, where it covers no other name or shape; one that finds no room is
// left out (the hover and the table have it). The server writes them worst first.
(function () {
  "use strict";
  const GAP = 2, PATIENCE = 10000;
  const seen = new WeakSet();

  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  const inside = (a, frame) => a.left >= frame.left && a.right <= frame.right && a.top >= frame.top && a.bottom <= frame.bottom;
  const moved = (box, [x, y]) => ({left: box.left + x, right: box.right + x, top: box.top + y, bottom: box.bottom + y});

  // How far a name is moved to stand under its shape, above it, to its right, to its left; the first two also pushed into the frame.
  function offsets(name, shape, frame) {
    const tall = name.bottom - name.top, wide = name.right - name.left, beside = shape.top + (shape.bottom - shape.top - tall) / 2 - name.top;
    const push = Math.max(frame.left - name.left, 0) + Math.min(frame.right - name.right, 0);
    const under = shape.bottom + GAP - name.top, above = shape.top - GAP - tall - name.top;
    const right = shape.right + GAP - name.left, left = shape.left - GAP - wide - name.left;
    return [[0, under], [0, above], [push, under], [push, above], [right, beside], [left, beside]];
  }

  function place(map) {
    const [shapes, names] = map.querySelectorAll(".scattergeo");
    if (!names) return;
    const frame = map.querySelector(".main-svg").getBoundingClientRect();
    const texts = [...names.querySelectorAll("text")];
    for (const text of texts) {
      text.parentNode.style.transform = "";
      text.style.visibility = "";
    }
    const marks = [...shapes.querySelectorAll("text")].map((text) => text.getBoundingClientRect()), taken = [...marks];
    const middle = (box) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    for (const text of texts) {
      const box = text.getBoundingClientRect(), [x, y] = middle(box);
      const away = (shape) => Math.hypot(middle(shape)[0] - x, middle(shape)[1] - y);
      const own = marks.reduce((best, shape) => (away(shape) < away(best) ? shape : best));
      const free = offsets(box, own, frame).find((way) => {
        const there = moved(box, way);
        return inside(there, frame) && taken.every((other) => apart(there, other));
      });
      if (!free) {
        text.style.visibility = "hidden";
        continue;
      }
      const [, first = 0, second = 0] = /translate\(\s*([-\d.]+)[ ,]+([-\d.]+)/.exec(text.parentNode.getAttribute("transform") || "") || [];
      text.parentNode.style.transform = "translate(" + (Number(first) + free[0]) + "px," + (Number(second) + free[1]) + "px)";
      taken.push(moved(box, free));
    }
  }

  // Called when a map's figure has changed: its first drawing may still be to come. From then on each drawing is watched, in
  // the box around the chart: while plotly's script is fetched another element stands in for the chart, and plotly's own
  // listeners go whenever it is made anew.
  function follow(id) {
    const until = performance.now() + PATIENCE;
    const look = function () {
      const chart = document.getElementById(id), box = chart && chart.closest(".chart");
      if (!box && performance.now() < until) requestAnimationFrame(look);
      if (!box || seen.has(box)) return;
      seen.add(box);
      let isAsked = false;
      const ask = function () {
        if (isAsked) return;
        isAsked = true;
        requestAnimationFrame(function () {
          isAsked = false;
          place(box);
        });
      };
      new MutationObserver(ask).observe(box, {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["transform"]});
      ask();
    };
    look();
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    maps: {followNow: () => follow("now-map"), followWall: () => follow("wall-map"), followReplay: () => follow("replay-map")},
  });
})();
