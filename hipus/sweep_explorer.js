// Looks through a sweep: frames with labels, where each lay by the tracker and as predicted, and
// the drift. Everything is here once it is drawn, so no step asks the kernel. Decides nothing
// about the numbers: poses are T_centre_to_first in mm, row by row, NaN where unknown.

const INK = "#222222", OURS = "#0072B2", WARM = "#D55E00", QUIET = "#9aa0a6", GREY = "#5f6368";
const SMALL = "10px system-ui, sans-serif";

const part = (tag, parent, settings = {}) => {
  const one = Object.assign(document.createElement(tag), settings);
  parent.append(one);
  return one;
};
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const floats = (view) => new Float32Array(bytes(view).slice().buffer);

// A canvas drawn at the screen's own resolution; returns its context and size in CSS px.
const fit = (canvas) => {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(canvas.clientWidth, 40), height = Math.max(canvas.clientHeight, 40);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height, ratio };
};

// Orthographic view from an angle: maps (lateral, axial, elevational) in mm to px, and its depth.
const camera = (turn, tilt, centre, scale, width, height) => {
  const [c, s, ct, st] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  const place = (p) => {
    const [x, y, z] = [p[2] - centre[2], p[0] - centre[0], -(p[1] - centre[1])];
    const [across, deep] = [x * c - y * s, x * s + y * c];
    return [width / 2 + scale * across, height / 2 - scale * (z * ct + deep * st)];
  };
  return place;
};

const line = (ctx, points, colour, thick, dash = []) => {
  ctx.strokeStyle = colour;
  ctx.lineWidth = thick;
  ctx.setLineDash(dash);
  ctx.beginPath();
  let down = false;
  for (const p of points) {
    if (!p || !Number.isFinite(p[0])) { down = false; continue; }
    if (down) ctx.lineTo(p[0], p[1]); else ctx.moveTo(p[0], p[1]);
    down = true;
  }
  ctx.stroke();
  ctx.setLineDash([]);
};

const at = (poses, i) => {
  const m = poses.subarray(12 * i, 12 * i + 12);
  return Number.isFinite(m[0]) ? m : null;
};
const centreOf = (m) => m && [m[3], m[7], m[11]];
const moved = (m, x, y) => [0, 4, 8].map((r) => m[r] * x + m[r + 1] * y + m[r + 3]);

function render({ model, el }) {
  const about = model.get("about");
  const { count, height: rows, width: columns, side_mm: side, times_s: times } = about;
  const frames = bytes(model.get("frames"));
  const masks = about.labels.length ? bytes(model.get("masks")) : null;
  const poses = { tracked: floats(model.get("tracked")), predicted: floats(model.get("predicted")) };
  const drift = { mm: floats(model.get("drift_mm")), deg: floats(model.get("drift_deg")) };
  const courses = about.courses;
  const size = [columns * side[0], rows * side[1]];

  // ---- what stands on the page
  const root = part("div", el, { className: "hipus-sweep", tabIndex: 0 });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `${about.caption}. Arrow keys step, space plays.`);
  root.dataset.lmSuppressShortcuts = "true"; // arrow keys are ours while this has the focus
  const views = part("div", root, { className: "views" });
  const framed = (title, name) => {
    const figure = part("figure", views);
    part("figcaption", figure, { textContent: title });
    return part("canvas", figure, { className: name });
  };
  const picture = framed("picture", "picture");
  picture.style.aspectRatio = `${size[0]} / ${size[1]}`;
  const spaces = courses.map((name) => [name, framed(`${name}, in the first frame's axes`, `space ${name}`)]);
  for (const [name, canvas] of spaces) {
    canvas.style.aspectRatio = `${size[0]} / ${size[1]}`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Course of the probe, ${name}. Drag to turn.`);
  }
  const chart = about.has_drift ? part("canvas", root, { className: "course" }) : null;
  const bar = part("div", root, { className: "bar" });
  const play = part("button", bar, { type: "button", textContent: "Play" });
  const slider = part("input", bar, { type: "range", min: 0, max: count - 1, step: 1, value: 0 });
  slider.setAttribute("aria-label", "frame");
  const told = part("output", bar, { className: "frame" });
  const said = part("div", root, { className: "said" });
  const keys = part("div", root, { className: "keys" });
  let hasLabels = masks !== null;
  if (masks) {
    const label = part("label", keys);
    const box = part("input", label, { type: "checkbox", checked: true, className: "labels" });
    label.append(" labels");
    box.onchange = () => { hasLabels = box.checked; show(index); };
  }
  const signs = about.labels.map((one) => [one.name, one.colour]);
  if (about.has_drift) signs.push(["drift at this frame", WARM]);
  for (const [name, colour] of signs) {
    const sign = part("span", keys, { className: "sign" });
    part("span", sign, { className: "key" }).style.background = colour;
    sign.append(name);
  }

  // ---- one frame as a small canvas, labels and all
  const shown = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const paint = shown.getContext("2d");
  const image = paint.createImageData(columns, rows);
  const tints = new Map(about.labels.map((one) => [one.value, one.rgb]));
  const compose = (i) => {
    const start = i * rows * columns, data = image.data;
    for (let k = 0; k < rows * columns; k += 1) {
      const grey = frames[start + k], tint = hasLabels ? tints.get(masks[start + k]) : undefined;
      for (let c = 0; c < 3; c += 1) data[4 * k + c] = tint ? 0.58 * grey + 0.42 * tint[c] : grey;
      data[4 * k + 3] = 255;
    }
    paint.putImageData(image, 0, 0);
  };

  // ---- the room that both courses need
  const corners = (m) => [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([a, b]) => moved(m, (a * size[0]) / 2, (b * size[1]) / 2));
  const all = courses.flatMap((name) => [...Array(count).keys()].map((i) => at(poses[name], i)))
    .filter(Boolean).flatMap(corners);
  const low = [0, 1, 2].map((k) => Math.min(...all.map((p) => p[k])));
  const high = [0, 1, 2].map((k) => Math.max(...all.map((p) => p[k])));
  const middle = low.map((value, k) => (value + high[k]) / 2);
  const reach = Math.hypot(...low.map((value, k) => high[k] - value)) || 1;
  const ways = Object.fromEntries(courses.map((name) => [name, [...Array(count).keys()].map((i) => centreOf(at(poses[name], i)))]));
  let turn = -0.62, tilt = 0.34, index = 0;

  // Which way is which, in a corner where it hides nothing, and how long 10 units are.
  const drawAxes = (ctx, height, width, scale) => {
    const way = camera(turn, tilt, [0, 0, 0], 24, 96, 2 * (height - 44));
    ctx.font = SMALL;
    for (const [text, end] of [["lateral", [1, 0, 0]], ["axial", [0, 1, 0]], ["elevational", [0, 0, 1]]]) {
      const tip = way(end), from = way([0, 0, 0]);
      line(ctx, [from, tip], GREY, 1.2);
      const isLeft = tip[0] < from[0] - 4;
      ctx.textAlign = isLeft ? "right" : "left";
      words(ctx, text, tip[0] + (isLeft ? -3 : 3), tip[1] + (tip[1] > from[1] + 4 ? 8 : 2));
    }
    ctx.textAlign = "left";
    bar10(ctx, width - 12 - 10 * scale, height - 12, 10 * scale, GREY);
  };

  const words = (ctx, text, x, y) => { // readable on a picture, too
    ctx.lineWidth = 3; ctx.strokeStyle = "#f6f7f8dd"; ctx.strokeText(text, x, y);
    ctx.fillStyle = "#3c4043"; ctx.fillText(text, x, y);
  };

  const bar10 = (ctx, x, y, length, colour) => {
    line(ctx, [[x, y - 3], [x, y], [x + length, y], [x + length, y - 3]], colour, 1.4);
    ctx.fillStyle = colour;
    ctx.font = SMALL;
    ctx.textAlign = "center";
    ctx.fillText(`10 ${about.unit}`, x + length / 2, y - 6);
    ctx.textAlign = "left";
  };

  const drawSpace = (name, canvas) => {
    const { ctx, width, height, ratio } = fit(canvas);
    const scale = (1.12 * Math.min(width, height)) / reach;
    const place = camera(turn, tilt, middle, scale, width, height);
    const other = courses.find((one) => one !== name);
    if (other) line(ctx, ways[other].map((p) => p && place(p)), QUIET, 1, [3, 3]);
    const mine = name === "tracked" ? INK : OURS, m = at(poses[name], index);
    const first = ways[name].findIndex(Boolean);
    if (first >= 0) {
      const start = corners(at(poses[name], first));
      line(ctx, [...start, start[0]].map(place), QUIET, 1);
    }
    if (m) {
      const [o, u, , v] = corners(m).map(place);
      ctx.save(); // an orthographic view of a picture is an affine one: drawn as such
      ctx.globalAlpha = 0.88;
      ctx.setTransform(...[(u[0] - o[0]) / columns, (u[1] - o[1]) / columns, (v[0] - o[0]) / rows,
        (v[1] - o[1]) / rows, o[0], o[1]].map((value) => value * ratio));
      ctx.drawImage(shown, 0, 0);
      ctx.restore();
      line(ctx, [...corners(m), corners(m)[0]].map(place), mine, 1.6);
    }
    line(ctx, ways[name].map((p) => p && place(p)), mine, 2);
    const here = m && place(centreOf(m)), n = other && at(poses[other], index);
    if (here && n) line(ctx, [here, place(centreOf(n))], WARM, 2);
    if (here) { ctx.fillStyle = mine; ctx.beginPath(); ctx.arc(...here, 3.5, 0, 7); ctx.fill(); }
    drawAxes(ctx, height, width, scale);
    if (!m) { ctx.fillStyle = GREY; ctx.font = "12px system-ui, sans-serif"; ctx.fillText("no pose at this frame", 10, 18); }
  };

  // ---- drift over the frames: mm to the left, degrees to the right
  const highest = (values) => Math.max(...[...values].filter(Number.isFinite), 0.1);
  const tops = about.has_drift ? { mm: highest(drift.mm) * 1.15, deg: highest(drift.deg) * 1.15 } : {};
  const spot = (i, width) => 44 + ((width - 88) * i) / Math.max(count - 1, 1);
  const drawChart = () => {
    const { ctx, width, height } = fit(chart);
    const [top, floor] = [16, height - 16];
    const y = (value, unit) => floor - ((floor - top) * value) / tops[unit];
    ctx.font = SMALL;
    line(ctx, [[44, floor], [width - 44, floor]], "#c3c7cc", 1);
    for (const [unit, colour, x, dash] of [["mm", OURS, 4, []], ["deg", WARM, width - 40, [5, 3]]]) {
      line(ctx, [...drift[unit]].map((value, i) => [spot(i, width), y(value, unit)]), colour, 1.8, dash);
      ctx.fillStyle = colour;
      ctx.fillText(`${(tops[unit] / 1.15).toFixed(1)} ${unit}`, x, y(tops[unit] / 1.15, unit) + 3);
      ctx.fillText(`0 ${unit}`, x, floor + 3);
      if (Number.isFinite(drift[unit][index])) {
        ctx.beginPath(); ctx.arc(spot(index, width), y(drift[unit][index], unit), 3.5, 0, 7); ctx.fill();
      }
    }
    line(ctx, [[spot(index, width), top - 8], [spot(index, width), floor]], INK, 1);
    ctx.fillStyle = GREY;
    ctx.fillText("drift: mm (solid), degrees (dashed)", 48, 9);
  };

  const sentence = () => {
    const numbers = courses.map((name) => {
      const m = at(poses[name], index);
      return m ? `${name} ${centreOf(m).map((v) => v.toFixed(1)).join(", ")} mm` : `${name}: no pose`;
    });
    const apart = about.has_drift && Number.isFinite(drift.mm[index])
      ? ` · drift ${drift.mm[index].toFixed(2)} mm, ${drift.deg[index].toFixed(2)}°` : "";
    return courses.length ? `Centre (lateral, axial, elevational): ${numbers.join("; ")}${apart}` : "";
  };

  const show = (i) => {
    index = Math.min(Math.max(Math.round(i), 0), count - 1);
    compose(index);
    const { ctx, width, height } = fit(picture);
    ctx.imageSmoothingEnabled = true;
    ctx.drawImage(shown, 0, 0, width, height);
    const ten = (10 * width) / size[0];
    bar10(ctx, width - 10 - ten, height - 10, ten, "#ffffff");
    for (const [name, canvas] of spaces) drawSpace(name, canvas);
    if (chart) drawChart();
    slider.value = index;
    const when = times.length ? ` · ${(times[index] - times[0]).toFixed(2)} s` : "";
    told.textContent = `frame ${index} of 0–${count - 1}${when}`;
    slider.setAttribute("aria-valuetext", told.textContent);
    said.textContent = sentence();
    root.dataset.frame = index;
  };

  // ---- moving through it: slider, keys, chart, at the pace of the recording
  let timer = null;
  const stop = () => { clearTimeout(timer); timer = null; play.textContent = "Play"; };
  const step = () => {
    if (index >= count - 1 || !root.isConnected) { stop(); return; }
    const gap = times.length ? 1000 * (times[index + 1] - times[index]) : 100;
    timer = setTimeout(() => { show(index + 1); step(); }, Math.min(Math.max(gap, 15), 500));
  };
  const start = () => { if (index >= count - 1) show(0); play.textContent = "Pause"; step(); };
  play.onclick = () => (timer === null ? start() : stop());
  slider.oninput = () => { stop(); show(Number(slider.value)); };
  root.addEventListener("keydown", (event) => {
    const to = { ArrowRight: index + 1, ArrowUp: index + 1, ArrowLeft: index - 1, ArrowDown: index - 1,
      PageUp: index + 10, PageDown: index - 10, Home: 0, End: count - 1 }[event.key];
    if (to !== undefined) { stop(); show(to); }
    else if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.type !== "checkbox") play.onclick();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const seek = (event) => {
    const box = chart.getBoundingClientRect();
    stop();
    show(((event.clientX - box.left - 44) / (box.width - 88)) * (count - 1));
  };
  const dragged = (canvas, onMove) => {
    canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); onMove(event, true); };
    canvas.onpointermove = (event) => { if (event.buttons) onMove(event, false); };
  };
  if (chart) dragged(chart, seek);
  for (const [, canvas] of spaces) {
    let last = null;
    dragged(canvas, (event, isFirst) => {
      if (!isFirst && last) {
        turn += (event.clientX - last[0]) * 0.01;
        tilt = Math.min(Math.max(tilt + (event.clientY - last[1]) * 0.01, -1.5), 1.5);
      }
      last = [event.clientX, event.clientY];
      show(index);
    });
  }
  const watch = new ResizeObserver(() => show(index));
  watch.observe(root);
  show(about.start);
  return () => { stop(); watch.disconnect(); };
}

export default { render };
