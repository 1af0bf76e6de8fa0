"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const shown = () => ["truth", "predicted"].filter((kind) => byId(`show-${kind}`).checked);

  // ------------------------------------------------------------------ charts
  const font = { color: data.colours.ink, family: getComputedStyle(document.body).fontFamily };
  const layout = { margin: { l: 50, r: 10, t: 10, b: 30 }, font, xaxis: { automargin: true },
    legend: { orientation: "h", y: 1.08 }, yaxis: { title: { text: "mm" }, rangemode: "tozero" } };
  const quiet = { displaylogo: false, responsive: true, displayModeBar: false };
  Plotly.newPlot("actions", data.actions, layout, quiet);
  const turned = { automargin: true, tickangle: 30 };
  Plotly.newPlot("joints", data.joints, { ...layout, xaxis: turned }, quiet);

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
  // The middle of the body (0), its left (1) and its right (2) in the shades of predicted or truth.
  const shade = (kind, side) => data.colours[kind + ["", "-left", "-right"][side]];
  function overlay(points, kind) {
    const stroke = ([a, b, side], width, rim) => points[a] && points[b] &&
      `<line x1="${points[a][0]}" y1="${points[a][1]}" x2="${points[b][0]}" y2="${points[b][1]}"
        stroke="${rim ? "white" : shade(kind, side)}" stroke-width="${width + rim}"/>`;
    const dots = data.sides.map((side, joint) => [joint, joint, side]);
    return [2.2, 0].flatMap((rim) => [...data.bones.map((bone) => stroke(bone, 4.5, rim)),
      ...dots.map((dot) => stroke(dot, 9, rim))]).filter(Boolean).join("");
  }

  // Plotly's axes are x to the wearer's left, y backward, z up: ours turned half round about x.
  function skeleton(joints, kind) {
    const places = (ids) => Object.fromEntries(["x", "y", "z"].map((axis, k) =>
      [axis, ids.map((joint) => joint < 0 || !joints[joint] ? null : (k ? -1 : 1) * joints[joint][k])]));
    const common = { type: "scatter3d", showlegend: false };
    return [{ ...common, mode: "lines", hoverinfo: "skip",
      ...places(data.bones.flatMap(([a, b]) => [a, b, -1])),
      line: { color: data.bones.flatMap((bone) => Array(3).fill(shade(kind, bone[2]))), width: 9 } },
    { ...common, mode: "markers", hoverinfo: "text", ...places([...joints.keys()]),
      text: data.jointNames.map((name) => `${kind}: ${name}`),
      marker: { color: data.sides.map((side) => shade(kind, side)), size: 6, opacity: 1 } }];
  }
  // Around all bodies of all frames, and the floor, a grid of 25 cm.
  const { reach, low, high } = data.room, longest = Math.max(2 * reach, high - low);
  const lines = Math.floor(4 * reach);
  const steps = [-reach, ...[...Array(2 * lines + 1).keys()].map((k) => (k - lines) / 4), reach];
  const floor = { type: "scatter3d", mode: "lines", hoverinfo: "skip", showlegend: false,
    x: steps.flatMap((at) => [at, at, null, -reach, reach, null]),
    y: steps.flatMap((at) => [-reach, reach, null, at, at, null]),
    z: steps.flatMap(() => [0, 0, null, 0, 0, null]), line: { color: data.colours.grid, width: 2 } };
  const axis = (...range) => ({ range, visible: false, showspikes: false });
  const view = { margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: data.colours.backdrop,
    scene: { xaxis: axis(-reach, reach), yaxis: axis(-reach, reach), zaxis: axis(low, high),
      aspectmode: "manual", uirevision: "kept",
      aspectratio: { x: 2 * reach / longest, y: 2 * reach / longest, z: (high - low) / longest },
      camera: { eye: { x: 0.92, y: -1.32, z: 0.42 }, center: { x: 0, y: 0, z: -0.04 } } } };

  function draw() {
    const frame = data.frames[rows.indexOf(chosen)], cells = chosen.cells, kinds = shown();
    byId("image").src = cells[0].firstChild.src;
    byId("caption").textContent =
      `${cells[1].textContent} · ${cells[2].textContent} · ${heads[3].textContent} ${cells[3].textContent} mm`;
    byId("overlay").innerHTML = kinds.map((kind) => overlay(frame[kind].joints2d, kind)).join("");
    const poses = kinds.flatMap((kind) => skeleton(frame[kind].joints3d, kind));
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
    timer = clearInterval(timer);
    byId("play").textContent = "Play";
  }
  function play() {
    stop();
    timer = setInterval(() => step(1), 1000 / 15);
    byId("play").textContent = "Pause";
  }
  const actions = { previous: () => { stop(); step(-1); }, next: () => { stop(); step(1); },
    play: () => (timer ? stop() : play()) };
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
  byId("position").max = rows.length - 1;
  byId("position").addEventListener("input",
    ({ target }) => { stop(); choose(body.rows[target.value]); });
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
