"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PREDICTED = "#ff7f0e", TRUTH = "#2d7df6", INK = "#22303c", MUTED = "#6b7b88";
  const byId = (id) => document.getElementById(id);
  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // ------------------------------------------------------------------ figures and tables
  byId("about").textContent = data.about;
  for (const [value, name, detail] of data.figures) {
    const card = make("div", undefined, "figure");
    card.append(make("b", value), make("div", name), make("small", detail));
    byId("figures").append(card);
  }

  const table = make("table");
  const head = make("tr");
  data.table.heads.forEach((text, i) => head.append(make("th", text, i ? "" : "text")));
  table.append(head);
  for (const block of data.table.blocks) {
    if (block.title) {
      const row = make("tr", undefined, "rule");
      const cell = make("td", block.title, "text title");
      cell.colSpan = data.table.heads.length;
      row.append(cell);
      table.append(row);
    }
    block.rows.forEach((cells, i) => {
      const row = make("tr", undefined, i || block.title ? "" : "rule");
      cells.forEach((text, j) => row.append(make("td", text, j ? "" : "text")));
      table.append(row);
    });
  }
  byId("table").append(table);

  const layout = { margin: { l: 50, r: 10, t: 10, b: 70 }, font: { color: INK, size: 12 },
    legend: { orientation: "h", y: 1.08 }, yaxis: { title: { text: "mm" }, rangemode: "tozero" },
    bargap: 0.25, autosize: true };
  const quiet = { displaylogo: false, responsive: true, displayModeBar: false };
  const bars = (bars, name, colour) => ({
    type: "bar", name, x: bars.names, y: bars.values, marker: { color: colour },
    error_y: bars.low ? { type: "data", symmetric: false, thickness: 1.2, width: 3, color: INK,
      array: bars.high.map((v, i) => v === null ? 0 : v - bars.values[i]),
      arrayminus: bars.low.map((v, i) => v === null ? 0 : bars.values[i] - v) } : undefined,
  });
  Plotly.newPlot("actions", [bars(data.actions.model, "this model", PREDICTED),
    bars(data.actions.baseline, "mean pose", "#b8c3cc")], layout, quiet);
  Plotly.newPlot("joints", [bars(data.joints, "this model", PREDICTED)], layout, quiet);

  // ------------------------------------------------------------------ the list of frames
  const frames = data.frames;
  const columns = [
    { name: "", key: null },
    { name: "frame", key: (f) => f.index, show: (f) => f.id, text: true },
    { name: "action", key: (f) => f.action, show: (f) => f.action, text: true },
    ...data.errors.map((name, i) => ({
      name, key: (f) => f.errors[i], show: (f) => f.errors[i].toFixed(1) })),
  ];
  let order = frames.map((_, i) => i);
  let chosen = 0;
  const body = document.querySelector("#frames tbody");
  const rows = frames.map((frame, i) => {
    frame.index = i;
    const row = make("tr");
    row.dataset.frame = i;
    const thumbnail = make("td");
    const image = make("img");
    image.loading = "lazy"; image.alt = ""; image.src = frame.image;
    thumbnail.append(image);
    row.append(thumbnail);
    for (const column of columns.slice(1)) {
      row.append(make("td", column.show(frame), column.text ? "text" : ""));
    }
    row.addEventListener("click", () => { stop(); choose(i); });
    return row;
  });
  columns.forEach((column) => {
    const cell = make("th", column.name, column.text ? "text" : "");
    if (column.key) cell.addEventListener("click", () => sortBy(column, cell));
    document.querySelector("#frames thead tr").append(cell);
  });

  function sortBy(column, cell) {
    const down = cell.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    document.querySelectorAll("#frames th").forEach((th) => th.removeAttribute("aria-sort"));
    cell.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    order.sort((a, b) => {
      const x = column.key(frames[a]), y = column.key(frames[b]);
      return x < y ? -down : x > y ? down : a - b;
    });
    body.append(...order.map((i) => rows[i]));
    byId("position").value = order.indexOf(chosen);
  }

  // ------------------------------------------------------------------ one frame
  const svg = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const isRight = (joint) => data.right.includes(joint);
  const shown = () => [
    ["truth", TRUTH, byId("show-truth").checked],
    ["predicted", PREDICTED, byId("show-predicted").checked],
  ].filter((pose) => pose[2]);

  function drawOverlay(frame) {
    const overlay = byId("overlay");
    overlay.setAttribute("viewBox", `0 0 ${data.side} ${data.side}`);
    overlay.replaceChildren();
    for (const [kind, colour] of shown()) {
      const points = frame[kind].joints2d;
      const group = svg("g", { class: kind, "stroke-linecap": "round" });
      for (const [a, b] of data.limbs) {
        if (!points[a] || !points[b]) continue;
        const ends = { x1: points[a][0], y1: points[a][1], x2: points[b][0], y2: points[b][1] };
        group.append(svg("line", { ...ends, stroke: "#10161b", "stroke-width": 6 }),
          svg("line", { ...ends, stroke: colour, "stroke-width": 4 }));
        if (isRight(a) && isRight(b)) {
          group.append(svg("line", { ...ends, stroke: "white", "stroke-width": 1.6 }));
        }
      }
      points.forEach((point, joint) => {
        if (point) group.append(svg("circle", { cx: point[0], cy: point[1], r: 4,
          fill: isRight(joint) ? "white" : colour, stroke: colour, "stroke-width": 2 }));
      });
      overlay.append(group);
    }
  }

  // Plotly's axes: x to the wearer's left, y backward, z up: ours turned half round about x.
  const turned = ([x, y, z]) => [x, -y, -z];
  function limbTrace(pose, colour, name, right) {
    const trace = { type: "scatter3d", mode: "lines+markers", name, x: [], y: [], z: [],
      hoverinfo: "text", text: [], showlegend: false,
      line: { color: colour, width: right ? 6 : 9, dash: right ? "dash" : "solid" },
      marker: { color: colour, size: 5, symbol: right ? "circle-open" : "circle",
        line: { color: colour, width: 2 } } };
    for (const [a, b] of data.limbs) {
      if ((isRight(a) && isRight(b)) !== right) continue;
      for (const joint of [a, b]) {
        const [x, y, z] = turned(pose.joints3d[joint]);
        trace.x.push(x); trace.y.push(y); trace.z.push(z);
        trace.text.push(`${name}: ${data.jointNames[joint]}`);
      }
      trace.x.push(null); trace.y.push(null); trace.z.push(null); trace.text.push("");
    }
    return trace;
  }
  const floor = { type: "scatter3d", mode: "lines", x: [], y: [], z: [], hoverinfo: "skip",
    showlegend: false, line: { color: "#c3ccd4", width: 2 } };
  for (let at = -1; at <= 1.001; at += 0.25) {
    floor.x.push(at, at, null, -1, 1, null);
    floor.y.push(-1, 1, null, at, at, null);
    floor.z.push(0, 0, null, 0, 0, null);
  }
  const axis = (range) => ({ range, visible: false, showspikes: false });
  const sceneLayout = { margin: { l: 0, r: 0, t: 0, b: 0 }, uirevision: "kept", autosize: true,
    paper_bgcolor: "#f6f8fa", scene: { xaxis: axis([-1, 1]), yaxis: axis([-1, 1]),
      zaxis: axis([-0.1, 1.9]), aspectmode: "cube", uirevision: "kept",
      camera: { eye: { x: 0.8, y: -1.15, z: 0.35 }, center: { x: 0, y: 0, z: -0.12 } } } };

  function drawScene(frame) {
    const traces = [floor];
    for (const [kind, colour] of shown()) {
      traces.push(limbTrace(frame[kind], colour, kind, false),
        limbTrace(frame[kind], colour, kind, true));
    }
    Plotly.react("scene", traces, sceneLayout, { displaylogo: false, responsive: true,
      modeBarButtonsToRemove: ["resetCameraLastSave3d"] });
  }

  function choose(index) {
    rows[chosen].classList.remove("chosen");
    chosen = index;
    rows[index].classList.add("chosen");
    byId("position").value = order.indexOf(index);
    draw();
  }
  function draw() {
    const frame = frames[chosen];
    byId("image").src = frame.image;
    byId("caption").textContent =
      `${frame.id} · ${frame.action} · MPJPE ${frame.errors[0].toFixed(1)} mm`;
    drawOverlay(frame);
    drawScene(frame);
  }

  // ------------------------------------------------------------------ playing
  let timer = null;
  function step(by) {
    const at = order.indexOf(chosen) + by;
    choose(order[(at + order.length) % order.length]);
  }
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
  byId("play").addEventListener("click", () => (timer ? stop() : play()));
  byId("rate").addEventListener("change", () => timer && play());
  byId("previous").addEventListener("click", () => { stop(); step(-1); });
  byId("next").addEventListener("click", () => { stop(); step(1); });
  byId("position").max = frames.length - 1;
  byId("position").addEventListener("input", (event) => {
    stop();
    choose(order[Number(event.target.value)]);
  });
  byId("show-predicted").addEventListener("change", draw);
  byId("show-truth").addEventListener("change", draw);
  document.addEventListener("keydown", (event) => {
    if (["INPUT", "SELECT", "BUTTON"].includes(event.target.tagName)) return;
    if (event.key === "ArrowLeft") { stop(); step(-1); }
    else if (event.key === "ArrowRight") { stop(); step(1); }
    else if (event.key === " ") { event.preventDefault(); timer ? stop() : play(); }
  });
  sortBy(columns[1], document.querySelectorAll("#frames th")[1]);
  choose(0);
})();
