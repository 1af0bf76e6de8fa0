"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const isRight = (...joints) => joints.every((joint) => data.right.includes(joint));
  const shown = () => ["truth", "predicted"].filter((kind) => byId(`show-${kind}`).checked);

  // ------------------------------------------------------------------ charts
  const layout = { margin: { l: 50, r: 10, t: 10, b: 70 }, font: { color: data.colours.ink },
    legend: { orientation: "h", y: 1.08 }, yaxis: { title: { text: "mm" }, rangemode: "tozero" } };
  const quiet = { displaylogo: false, responsive: true, displayModeBar: false };
  Plotly.newPlot("actions", data.actions, layout, quiet);
  Plotly.newPlot("joints", data.joints, layout, quiet);

  // ------------------------------------------------------------------ the list of frames
  const body = document.querySelector("#frames tbody");
  const rows = [...body.rows];
  const heads = [...document.querySelectorAll("#frames th")];
  let chosen = rows[0];
  const place = () => [...body.rows].indexOf(chosen);

  function sortBy(column) {
    const down = heads[column].getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    const key = (row) => column === 1 ? rows.indexOf(row) :
      column === 2 ? row.cells[2].textContent : Number(row.cells[column].textContent);
    const keys = new Map(rows.map((row) => [row, key(row)]));
    const compare = (a, b) => (keys.get(a) > keys.get(b)) - (keys.get(a) < keys.get(b));
    body.append(...[...rows].sort((a, b) => down * compare(a, b)));
    byId("position").value = place();
  }
  heads.forEach((head, i) => i && head.addEventListener("click", () => sortBy(i)));
  rows.forEach((row) => row.addEventListener("click", () => { stop(); choose(row); }));

  // ------------------------------------------------------------------ one frame
  function overlay(points, kind) {
    const colour = data.colours[kind];
    const stroke = ([a, b], colour, width) => `<line x1="${points[a][0]}" y1="${points[a][1]}"
      x2="${points[b][0]}" y2="${points[b][1]}" stroke="${colour}" stroke-width="${width}"/>`;
    const limbs = data.limbs.filter(([a, b]) => points[a] && points[b]).map((limb) =>
      stroke(limb, data.colours.outline, 6) + stroke(limb, colour, 4) +
      (isRight(...limb) ? stroke(limb, "white", 1.6) : ""));
    const joints = points.map((point, joint) => point && `<circle cx="${point[0]}" cy="${point[1]}"
      r="4" fill="${isRight(joint) ? "white" : colour}" stroke="${colour}" stroke-width="2"/>`);
    return `<g class="${kind}">${limbs.join("")}${joints.join("")}</g>`;
  }

  // Plotly's axes are x to the wearer's left, y backward, z up: ours turned half round about x.
  function limbs(joints, kind, right) {
    const ends = data.limbs.filter((limb) => isRight(...limb) === right).flatMap((l) => [...l, -1]);
    const axis = (k, sign) => ends.map((joint) => joint < 0 ? null : sign * joints[joint][k]);
    const color = data.colours[kind];
    return { type: "scatter3d", mode: "lines+markers", showlegend: false, hoverinfo: "text",
      x: axis(0, 1), y: axis(1, -1), z: axis(2, -1),
      text: ends.map((joint) => joint < 0 ? "" : `${kind}: ${data.jointNames[joint]}`),
      line: { color, width: right ? 6 : 9, dash: right ? "dash" : "solid" },
      marker: { color, size: 5, symbol: right ? "circle-open" : "circle" } };
  }
  const steps = [...Array(9).keys()].map((step) => step / 4 - 1);
  const floor = { type: "scatter3d", mode: "lines", hoverinfo: "skip", showlegend: false,
    x: steps.flatMap((at) => [at, at, null, -1, 1, null]),
    y: steps.flatMap((at) => [-1, 1, null, at, at, null]),
    z: steps.flatMap(() => [0, 0, null, 0, 0, null]), line: { color: data.colours.grid, width: 2 } };
  const axis = (range) => ({ range, visible: false, showspikes: false });
  const view = { margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: data.colours.backdrop,
    scene: { xaxis: axis([-1, 1]), yaxis: axis([-1, 1]), zaxis: axis([-0.1, 1.9]),
      aspectmode: "cube", uirevision: "kept",
      camera: { eye: { x: 0.8, y: -1.15, z: 0.35 }, center: { x: 0, y: 0, z: -0.12 } } } };

  function draw() {
    const frame = data.frames[rows.indexOf(chosen)], cells = chosen.cells, kinds = shown();
    byId("image").src = cells[0].firstChild.src;
    byId("caption").textContent =
      `${cells[1].textContent} · ${cells[2].textContent} · MPJPE ${cells[3].textContent} mm`;
    byId("overlay").innerHTML = kinds.map((kind) => overlay(frame[kind].joints2d, kind)).join("");
    const poses = kinds.flatMap((kind) =>
      [false, true].map((right) => limbs(frame[kind].joints3d, kind, right)));
    Plotly.react("scene", [floor, ...poses], view, { displaylogo: false, responsive: true });
  }
  function choose(row) {
    chosen.classList.remove("chosen");
    chosen = row;
    row.classList.add("chosen");
    byId("position").value = place();
    draw();
  }

  // ------------------------------------------------------------------ playing
  let timer = null;
  const step = (by) => choose(body.rows[(place() + by + rows.length) % rows.length]);
  function stop() {
    clearInterval(timer);
    timer = null;
    byId("play").textContent = "Play";
  }
  function play() {
    stop();
    timer = setInterval(() => step(1), 1000 / Number(byId("rate").value));
    byId("play").textContent = "Pause";
  }
  const actions = {
    previous: () => { stop(); step(-1); },
    next: () => { stop(); step(1); },
    play: () => (timer ? stop() : play()),
  };
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
  byId("rate").addEventListener("change", () => timer && play());
  byId("position").max = rows.length - 1;
  byId("position").addEventListener("input", (event) => {
    stop();
    choose(body.rows[event.target.value]);
  });
  ["predicted", "truth"].forEach((kind) => byId(`show-${kind}`).addEventListener("change", draw));
  const keys = { ArrowLeft: "previous", ArrowRight: "next", " ": "play" };
  document.addEventListener("keydown", (event) => {
    if (["INPUT", "SELECT", "BUTTON"].includes(event.target.tagName) || !keys[event.key]) return;
    event.preventDefault();
    actions[keys[event.key]]();
  });
  sortBy(1);
  choose(chosen);
})();
