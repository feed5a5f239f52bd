"use strict";
// The page of a study: one state (a cluster, an area of the map, an architecture), and everything
// that follows from it drawn anew when it changes.
(function () {
  const content = JSON.parse(document.getElementById("content").textContent);
  const { points, bars, numbers, operations, usage, statistics, drawings } = content.tables;
  const n = points.name.length;
  const everyone = Array.from({ length: n }, (_, i) => i);
  const rowsOf = new Map();
  for (const row of statistics) {
    if (!rowsOf.has(row.point)) rowsOf.set(row.point, []);
    rowsOf.get(row.point).push(row);
  }
  const claims = numbers.filter((column) => column.is_claim);
  const state = { cluster: 0, area: null, claims: new Set(), words: "", picked: -1 };
  const views = {};
  const LISTED = 50;
  const LIMITS = "keeps_limits";

  const byId = (id) => document.getElementById(id);
  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
  const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
  const shown = (value) => (value === null || value === undefined ? "–" : short.format(value));

  const asAccuracy = (value) => (value === null ? "–" : value.toFixed(2));

  function isChosen(i) {
    if (state.cluster && points.place[i] !== state.cluster) return false;
    for (const column of state.claims) if (!column.values[i]) return false;
    if (!state.area) return true;
    const { x, y } = state.area;
    return points.x[i] >= x[0] && points.x[i] <= x[1] && points.y[i] >= y[0] && points.y[i] <= y[1];
  }

  // Every point stands for as many architectures of its cluster as its weight says.
  const totalWeight = (indices) => indices.reduce((sum, i) => sum + points.weight[i], 0);
  function weightedMean(values, indices) {
    let sum = 0;
    let weight = 0;
    for (const i of indices) {
      if (values[i] === null) continue;
      sum += points.weight[i] * values[i];
      weight += points.weight[i];
    }
    return weight ? sum / weight : null;
  }
  function weightedMedian(values, indices) {
    const known = indices.filter((i) => values[i] !== null).sort((a, b) => values[a] - values[b]);
    const half = totalWeight(known) / 2;
    let weight = 0;
    for (const i of known) {
      weight += points.weight[i];
      if (weight >= half) return values[i];
    }
    return null;
  }

  const drawn = [...everyone].sort((a, b) => points.place[b] - points.place[a]); // the best on top
  function rowsOfMap(chosen) {
    const inside = new Set(chosen);
    const layer = (i) => (i === state.picked ? 2 : Number(inside.has(i)));  // the last is on top
    return [...drawn].sort((a, b) => layer(a) - layer(b)).map((i) => ({
      id: i, x: points.x[i], y: points.y[i], place: points.place[i], name: points.name[i],
      chosen: inside.has(i), picked: i === state.picked,
    }));
  }
  const meansOfAll = usage.map((counts) => weightedMean(counts, everyone));

  function rowsOfOperations(chosen) {
    return operations.map((operation, k) => ({
      operation,
      chosen: weightedMean(usage[k], chosen) ?? 0,
      whole: meansOfAll[k],
    }));
  }
  function rowsOfStatistics(chosen) {
    const inside = new Set(chosen);
    return statistics
      .filter((row) => row.share !== null)
      .map((row, k) => ({
        name: points.name[row.point], protocol: row.protocol, share: row.share, value: row.value,
        error: row.error, chosen: inside.has(row.point), offset: ((k * 0.618034) % 1) * 1.2 - 0.6,
      }))
      .sort((a, b) => Number(a.chosen) - Number(b.chosen));
  }
  function sharesOf(indices) {
    const known = indices.filter((i) => bars.of[i] !== null);
    const all = totalWeight(known) || 1;
    const shares = Array(bars.edges.length - 1).fill(0);
    for (const i of known) shares[bars.of[i]] += points.weight[i] / all;
    return shares;
  }
  const sharesOfAll = bars && sharesOf(everyone);
  function rowsOfAccuracy(chosen) {
    const own = sharesOf(chosen);
    return sharesOfAll.map((share, k) => ({
      start: bars.edges[k], end: bars.edges[k + 1], whole: share, chosen: own[k],
    }));
  }
  const makers = {
    map: rowsOfMap, operations: rowsOfOperations, statistics: rowsOfStatistics, accuracy: rowsOfAccuracy,
  };

  function drawCharts(chosen) {
    for (const [name, make] of Object.entries(makers)) {
      if (views[name]) views[name].data("rows", make(chosen)).runAsync();
    }
  }

  function drawNumbers(chosen) {
    const body = byId("numbers").tBodies[0];
    body.replaceChildren(...numbers.map((column) => {
      const of = column.is_claim ? weightedMean : weightedMedian;
      const tell = (value) => (value === null ? "–" : column.is_claim ? percent.format(value) : shown(value));
      return element("tr", {}, element("th", { scope: "row" }, column.words),
        element("td", {}, tell(of(column.values, chosen))),
        element("td", {}, tell(of(column.values, everyone))));
    }));
  }

  function drawSummary(chosen) {
    const parts = [];
    if (state.cluster) parts.push(`cluster ${state.cluster}`);
    if (state.area) parts.push("the marked area");
    for (const column of state.claims) parts.push(`“${column.words}”`);
    const about = Math.round(totalWeight(chosen));
    // Points stand for architectures of their cluster that keep the limits as they do, or do not.
    const isCounted = [...state.claims].every((column) => column.name === LIMITS);
    const isExact = n === content.tables.n_architectures || (!state.area && isCounted);
    const exact = isExact ? "" : "about ";
    byId("chosen").textContent = parts.length
      ? `Chosen: ${parts.join(", ")}, ${exact}${whole.format(about)} architectures.`
      : `Everything is chosen: ${whole.format(content.tables.n_architectures)} architectures.`;
    const evaluated = chosen.filter((i) => points.is_evaluated[i]).length;
    byId("evaluated").textContent = `${evaluated} of ${rowsOf.size} evaluated networks are chosen.`;
    for (const row of document.querySelectorAll("#clusters tbody tr")) {
      const place = Number(row.dataset.place);
      row.setAttribute("aria-selected", String(place === state.cluster));
      row.querySelector("button").setAttribute("aria-pressed", String(place === state.cluster));
    }
    byId("reset").disabled = !parts.length;
  }

  function drawList(chosen) {
    const words = state.words.trim().toLowerCase();
    const found = chosen.filter((i) => points.name[i].toLowerCase().includes(words));
    const first = (i) => 2 * points.is_medoid[i] + points.is_evaluated[i];
    found.sort((a, b) => points.place[a] - points.place[b] || first(b) - first(a)
      || points.turn[a] - points.turn[b] || a - b);
    // Of each program of a cluster the first one, which says how many copies it has there.
    const seen = new Set();
    const different = found.filter((i) => {
      const program = `${points.place[i]}:${points.program[i]}`;
      return !seen.has(program) && seen.add(program);
    });
    const body = byId("list").tBodies[0];
    body.replaceChildren(...different.slice(0, LISTED).map((i) => {
      const button = element("button", { type: "button", class: "name", "data-point": i }, points.name[i]);
      button.addEventListener("click", () => pick(i, true));
      const row = element("tr", { "aria-selected": String(i === state.picked) },
        element("td", { class: "words" }, button), element("td", {}, String(points.place[i])),
        element("td", {}, whole.format(points.n_copies[i])));
      if (points.accuracy) row.append(element("td", {}, asAccuracy(points.accuracy[i])));
      return row;
    }));
    byId("more").textContent = different.length > LISTED
      ? `${LISTED} of ${whole.format(different.length)} programs are listed, medoids and evaluated networks first.`
      : different.length ? "" : "None is listed: no name of what is chosen holds this.";
  }

  function drawDetails() {
    const i = state.picked;
    const box = byId("detail");
    if (i < 0) {
      box.replaceChildren(element("p", { class: "note" }, "No architecture is chosen."));
      return;
    }
    const facts = element("dl", {});
    const tell = (name, value) => facts.append(element("dt", {}, name), element("dd", {}, value));
    tell("cluster, by place", String(points.place[i]) + (points.is_medoid[i] ? ", of which it is the medoid" : ""));
    if (points.accuracy) tell("accuracy", points.accuracy[i] === null ? "not known" : `${asAccuracy(points.accuracy[i])} %`);
    for (const column of numbers) {
      const value = column.values[i];
      tell(column.words, column.is_claim ? (value ? "yes" : "no") : value === null ? "not known" : new Intl.NumberFormat("en").format(value));
    }
    box.replaceChildren(element("p", {}, element("code", {}, points.name[i])), facts,
      detailsOfStatistics(i), drawProgram(i));
  }

  function detailsOfStatistics(i) {
    const rows = rowsOf.get(i);
    if (!rows) return element("p", { class: "note" }, "It was not evaluated.");
    const body = element("tbody", {}, ...rows.map((row) => {
      const value = row.value === null
        ? element("td", { class: "reason", colspan: 2 }, `none: ${row.reason}`)
        : element("td", {}, shown(row.value) + (row.error === null ? "" : ` ± ${shown(row.error)}`));
      const line = element("tr", {}, element("th", { scope: "row" }, row.protocol), value);
      if (row.value !== null) line.append(element("td", {}, percent.format(row.share)));
      return line;
    }));
    const head = element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "words" }, "statistic"),
      element("th", { scope: "col" }, "value"), element("th", { scope: "col" }, "rank")));
    return element("div", { class: "scroll" }, element("table", {}, head, body));
  }

  // A program in its layers; the places of the nodes were found before.
  function drawProgram(i) {
    const found = drawings && drawings.programs[points.program[i]];
    if (!found) {
      const why = drawings
        ? "Its program is not drawn here: it is large, or of a shape beyond those kept in this file."
        : "Programs are not drawn: the study keeps none. Run it again to have them.";
      return element("p", { class: "note" }, why);
    }
    const shape = drawings.shapes[found[0]];
    const labels = found.slice(1).map((k) => drawings.labels[k]);
    const longest = Math.max(...labels.map((label) => label.length));
    const [wide, high, step] = [7.3 * longest + 18, 26, 46];
    const svg = (tag, attributes) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
      return made;
    };
    const width = shape.width * wide + 4;
    const height = (Math.max(...shape.layer) + 1) * step - (step - high) + 4;
    const at = (x, layer) => [x * wide + 2, layer * step + high / 2 + 2];
    const picture = svg("svg", {
      viewBox: `0 0 ${width.toFixed(1)} ${height}`, width: width.toFixed(1), height, role: "img",
      "aria-label": `Program of ${labels.length} nodes from top to bottom: ${labels.join(", ")}`,
    });
    const marker = svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
    marker.append(svg("path", { d: "M0 0L8 4L0 8z", fill: "#767676" }));
    const definitions = svg("defs", {});
    definitions.append(marker);
    picture.append(definitions);
    for (const [u, v, bends] of shape.edges) {
      const way = [at(shape.x[u], shape.layer[u])];
      for (let k = 0; k < bends.length; k += 2) way.push(at(bends[k], bends[k + 1]));
      way.push(at(shape.x[v], shape.layer[v]));
      let path = "";
      for (let k = 0; k + 1 < way.length; k += 1) {
        const [[x0, y0], [x1, y1]] = [way[k], way[k + 1]];
        const [from, to] = [y0 + high / 2, y1 - high / 2];
        const middle = (from + to) / 2;
        path += `${k ? "L" : "M"}${x0} ${from}C${x0} ${middle} ${x1} ${middle} ${x1} ${to}`;
      }
      picture.append(svg("path", { d: path, fill: "none", stroke: "#767676", "stroke-width": 1.2, "marker-end": "url(#tip)" }));
    }
    labels.forEach((label, k) => {
      const [x, y] = at(shape.x[k], shape.layer[k]);
      picture.append(svg("rect", {
        x: x - wide / 2 + 1, y: y - high / 2, width: wide - 2, height: high, rx: 7,
        fill: drawings.fills[found[k + 1]], stroke: "#222", "stroke-width": 0.9,
      }));
      const text = svg("text", { x, y, "text-anchor": "middle", "dominant-baseline": "central", "font-size": 13, fill: "#222" });
      text.textContent = label;
      picture.append(text);
    });
    return picture;
  }

  function draw() {
    const chosen = everyone.filter(isChosen);
    drawSummary(chosen);
    drawCharts(chosen);
    drawNumbers(chosen);
    drawList(chosen);
    drawDetails();
  }
  function pick(i, moves) {
    state.picked = i;
    draw();
    if (moves) byId("h-details").focus();
  }

  function medoidOf(place) {
    const found = everyone.find((i) => points.place[i] === place && points.is_medoid[i]);
    return found === undefined ? -1 : found;
  }
  for (const row of document.querySelectorAll("#clusters tbody tr")) {
    const place = Number(row.dataset.place);
    const cell = row.cells[0];
    const button = element("button", { type: "button", "aria-label": `Choose cluster ${place}` }, cell.textContent);
    button.addEventListener("click", () => {
      state.cluster = state.cluster === place ? 0 : place;
      if (state.cluster) state.picked = medoidOf(place);
      draw();
    });
    cell.replaceChildren(button);
  }
  byId("find").addEventListener("input", (event) => {
    state.words = event.target.value;
    drawList(everyone.filter(isChosen));
  });
  byId("reset").addEventListener("click", () => {
    Object.assign(state, { cluster: 0, area: null });
    state.claims.clear();
    for (const box of document.querySelectorAll("#claims input")) box.checked = false;
    embedMap().then(draw);
  });

  for (const column of claims) {
    const box = element("input", { type: "checkbox", "data-claim": column.name });
    if (column.name === LIMITS) {  // as the clusters were ranked
      box.checked = true;
      state.claims.add(column);
    }
    box.addEventListener("change", () => {
      if (box.checked) state.claims.add(column);
      else state.claims.delete(column);
      draw();
    });
    byId("claims").append(element("label", {}, box, ` only: ${column.words}`));
  }

  function embed(name, renderer) {
    const rows = makers[name](everyone.filter(isChosen));
    const specification = { ...content.charts[name], datasets: { rows } };
    return vegaEmbed(`#${name}`, specification, { actions: false, renderer }).then((result) => {
      views[name] = result.view;
      return result.view;
    });
  }
  async function embedMap() {
    if (views.map) views.map.finalize();
    const view = await embed("map", "canvas");
    view.addSignalListener("brush", (_, area) => {
      state.area = area.x && area.y ? { x: area.x, y: area.y } : null;
      draw();
    });
    view.addEventListener("click", (_, item) => {
      if (item && item.datum && item.datum.id !== undefined) pick(item.datum.id, false);
    });
  }

  state.picked = medoidOf(1);
  const others = Object.keys(makers).filter((name) => name !== "map" && content.charts[name]);
  Promise.all([embedMap(), ...others.map((name) => embed(name, "svg"))]).then(() => {
    draw();
    document.documentElement.dataset.ready = "yes";
  });
})();
