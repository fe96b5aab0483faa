// What runs in the browser: theme, the age of live data, state in the URL, and the cells of the tables.
window.PlotlyGeoAssets = {topojson: {world_110m: {type: "Topology", arcs: [], objects: {}}}};

(function () {
  "use strict";
  // --- the URL holds the state: rewritten in place, so that a link shows the same and Back still works ---
  function remember(changes) {
    const url = new URL(window.location.href);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "") url.searchParams.delete(key);
      else url.searchParams.set(key, value);
    }
    const next = url.pathname + url.search.replaceAll("%2C", ",") + url.hash;
    if (next !== window.location.pathname + window.location.search + window.location.hash) {
      window.history.replaceState(window.history.state, "", next);
    }
  }

  function go(href) {
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    bairro: {
      theme: function (clicks) {
        const root = document.documentElement;
        if (clicks) {
          root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
          try { localStorage.setItem("theme", root.dataset.theme); } catch (e) { /* private window: not remembered */ }
          if (new URLSearchParams(location.search).has("theme")) remember({theme: root.dataset.theme});
        }
        return root.dataset.theme;
      },

      markPage: function (pathname) {
        for (const link of document.querySelectorAll("#navigation a")) {
          const href = link.getAttribute("href");
          const below = {"/areas": "/area/", "/": "/device/", "/incidents": "/incident/"}[href];
          const here = href === pathname || (below && (pathname || "").startsWith(below)) || (href === "/incidents" && pathname === "/replay");
          if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
        }
      },

      rememberStates: function (states) {
        remember({state: states && states.length < severity.length ? states.join(",") : null});
      },

      rememberSpan: function (weeks) {
        remember({weeks: weeks === "52" ? null : weeks});
      },

      rememberDays: function (days) {
        remember({span: days === "2" ? null : days});
      },

      rememberIncidents: function (kind, state, months, text) {
        remember({kind: kind === "all" ? null : kind, state: state === "all" ? null : state, months: months === "1" ? null : months, q: text});
      },

      // Answers once the table has painted a row, at the latest after ten seconds.
      drawn: function (id) {
        const until = performance.now() + 10000;
        return new Promise(function (resolve) {
          const look = function () {
            const row = document.querySelector("#" + id + " .ag-center-cols-container .ag-row a");
            if (row || performance.now() > until) setTimeout(() => resolve(true), 0);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        });
      },

      filterAreas: async function (verdicts, text) {
        remember({verdict: verdicts && verdicts.length < 4 ? verdicts.join(",") || "none" : null, q: text || null});
        const grid = await window.dash_ag_grid.getApiAsync("areas-grid");
        grid.setGridOption("quickFilterText", text || "");
        grid.onFilterChanged();
      },

      rememberSort: function (columns) {
        const sorted = (columns || []).find(function (c) { return c.sort; });
        if (!columns || !columns.length) return;
        const plain = !sorted || (sorted.colId === "rank" && sorted.sort === "asc");
        remember({sort: plain ? null : sorted.colId, order: plain ? null : sorted.sort});
      },

      openFromMap: function (click) {
        const point = click && click.points && click.points[0];
        if (point && point.location) go("/area/" + encodeURIComponent(point.location));
      },
    },
  });

  // --- functions and cells of the tables ---
  const functions = window.dashAgGridFunctions = window.dashAgGridFunctions || {};
  const cells = window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};
  const severity = ["down", "suspect", "degraded", "up", "unknown", "suppressed", "silent"];
  const verdicts = ["at_risk", "watch", "ordinary", "too_little_data"];

  functions.bairroBySeverity = (a, b) => severity.indexOf(a) - severity.indexOf(b);
  functions.bairroByVerdict = (a, b) => verdicts.indexOf(a) - verdicts.indexOf(b);
  functions.bairroNullsLast = function (a, b, nodeA, nodeB, isDescending) {
    if (a === null || a === undefined) return b === null || b === undefined ? 0 : isDescending ? -1 : 1;
    if (b === null || b === undefined) return isDescending ? 1 : -1;
    return a - b;
  };
  functions.bairroVerdictPasses = function (node) {
    const asked = new URLSearchParams(window.location.search).get("verdict");
    return !asked || asked.split(",").includes(node.data.verdict);
  };
  functions.bairroByText = (a, b) => String(a).localeCompare(String(b));
  functions.bairroOpen = (params) => {
    if (params.event && params.event.target.closest && params.event.target.closest("a")) return;
    if (String(window.getSelection())) return; // text of the table was marked, to be copied
    if (params.data && params.data.href) go(params.data.href);
  };

  // --- paper: a grid keeps only the rows that the screen shows, so that a plain table of all of them stands in for it ---
  const MOST_PRINTED = 500;
  function cellText(column, data) {
    const value = data[column.field], text = data[column.field + "_text"], span = data[column.field + "_span"];
    const mark = column.cellRendererParams && column.cellRendererParams.marks && column.cellRendererParams.marks[value];
    const said = mark ? mark.join(" ") : text !== undefined ? text : value;
    return (said === null || said === undefined ? "" : String(said)) + (span ? " (" + span + ")" : "");
  }
  function paperTable(api) {
    const columns = api.getAllDisplayedColumns().map((column) => column.getColDef());
    const table = document.createElement("table"), head = table.createTHead().insertRow(), body = table.createTBody();
    table.className = "on-paper";
    for (const column of columns) head.appendChild(document.createElement("th")).textContent = column.headerName;
    api.forEachNodeAfterFilterAndSort(function (node, place) {
      if (place >= MOST_PRINTED || !node.data) return;
      const row = body.insertRow();
      for (const column of columns) row.insertCell().textContent = cellText(column, node.data);
    });
    const left = api.getDisplayedRowCount() - MOST_PRINTED;
    if (left > 0) table.createCaption().textContent = "The first " + MOST_PRINTED + "; " + left + " more are left out.";
    return table;
  }
  window.addEventListener("beforeprint", function () {
    for (const grid of document.querySelectorAll(".grid-box > .grid")) {
      const api = window.dash_ag_grid && window.dash_ag_grid.getApi(grid.id);
      if (api) grid.after(paperTable(api));
    }
  });
  window.addEventListener("afterprint", () => document.querySelectorAll(".on-paper").forEach((table) => table.remove()));

  const make = (tag, properties, ...children) => window.React.createElement(tag, properties, ...children);
  // A state or verdict; its shape and word come with the column, so that they are written in one place only.
  cells.Mark = function (props) {
    const [shape, word] = props.marks[props.value] || ["?", props.value];
    return make("span", {className: "chip mark-" + props.value}, make("span", {"aria-hidden": true}, shape), " " + word);
  };
  // A name that is too long for its cell loses its middle: devices differ at the end of their names.
  const END = 8;
  cells.CutInTheMiddle = function (props) {
    const text = String(props.value), at = Math.max(text.length - END, 0);
    return make("span", {className: "cut", title: text}, make("span", null, text.slice(0, at)), make("span", null, text.slice(at)));
  };
  cells.Shown = (props) => make("span", null, props.data[props.colDef.field + "_text"]);
  cells.WithSpan = (props) => make("span", {className: "with-span"}, make("b", null, props.data[props.colDef.field + "_text"]),
    make("small", null, props.data[props.colDef.field + "_span"]));
  const link = (href, ...children) => make("a", {
    href: href,
    onClick: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      go(href);
    },
  }, ...children);
  cells.AreaLink = (props) => link(props.data.area_href || props.data.href, props.value);
  cells.DeviceLink = (props) => link(props.data.href, cells.CutInTheMiddle(props));
  cells.IncidentLink = (props) => link(props.data.href, props.value);
  cells.Interval = function (props) {
    const row = props.data, span = props.context || {low: 0, high: 1};
    if (row.excess === null || row.excess_low === null || row.excess_high === null) return make("span", {className: "soft"}, "too little data");
    const at = (value) => (100 * (value - span.low)) / (span.high - span.low || 1);
    const left = at(row.excess_low), right = at(row.excess_high);
    const label = row.excess_text + " (" + row.excess_span + ")";
    return make("div", {className: "interval-cell", title: label},
      make("span", {className: "interval-number"}, make("b", null, row.excess_text), make("small", null, row.excess_span)),
      make("div", {className: "interval " + (row.is_above ? "above" : ""), role: "img", "aria-label": label},
        make("i", {className: "zero", style: {left: at(0) + "%"}}),
        make("i", {className: "bar", style: {left: left + "%", width: (right - left) + "%"}}),
        make("i", {className: "dot", style: {left: at(row.excess) + "%"}})));
  };
})();
