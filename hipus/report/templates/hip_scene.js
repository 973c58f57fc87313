// The turning hip of the report and the plane that cuts it. Without WebGL or script, the still
// picture and the table stay. Sections: x towards inferior, y towards medial, mm.
(function () {
  "use strict";
  const byId = (id) => document.getElementById(`scene-${id}`);
  const data = JSON.parse(byId("data").textContent);
  const root = document.getElementById("hip-scene"), canvas = byId("view"), slider = byId("plane");
  const live = [...root.querySelectorAll("[data-live]")];
  const asLive = (is) => {
    byId("still").hidden = is; canvas.hidden = !is; byId("marks").toggleAttribute("hidden", !is);
    live.forEach((one) => { one.hidden = !is; });
  };
  asLive(true);
  const view = turningSurfaces(canvas, byId("marks"), {
    axes: data.axes, radius_mm: data.hips[0].radius_mm, view_deg: data.hips[0].view_deg,
    button: byId("turn"), corner: [52, 52], lost: () => asLive(false),
  });
  if (!view) { asLive(false); return; }

  let hip = 0, way = 0, hidden = new Set();
  const pictures = new Map();  // data URI -> decoded, kept: a hip has some 40 of them
  const [lateral, superior] = data.corner_mm, half = data.pixel_mm / 2;
  const [width, height] = data.section_px.map((one) => one * data.pixel_mm);
  const planes = () => data.hips[hip].ways[way].planes;
  const deg = (value) => `${value.toFixed(1)}°`;
  const where = (mm) => Math.abs(mm) < 0.005 ? "Graf plane"
    : `${Math.abs(mm).toFixed(1)} mm ${mm > 0 ? "behind" : "in front of"} the Graf plane`;
  const inView = ([out, up], at_mm) => {
    const { sign, middle_mm } = data.hips[hip];
    return [sign * out, -up, at_mm].map((one, k) => one - middle_mm[k]);
  };
  const inSection = ([out, up]) => [superior - up, lateral - out];

  function chooseHip(number) {
    hip = number;
    const own = data.hips[hip];
    way = Math.min(way, own.ways.length - 1);
    byId("ways").querySelectorAll("label").forEach((one) => one.remove());
    own.ways.forEach((one, place) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "scene-way", value: one.name, checked: place === way });
      input.addEventListener("change", () => { way = place; show(); });
      label.append(input, one.title);
      byId("ways").append(label);
    });
    slider.max = planes().length - 1;
    view.radius_mm = own.radius_mm;
    view.reset(own.view_deg);
    show();
  }
  function show() {
    view.meshes.forEach(view.drop);
    view.meshes = data.hips[hip].ways[way].meshes.map((mesh) => {
      const made = view.loaded(mesh, data.unit_mm);
      made.shown = !hidden.has(mesh.name);
      return made;
    });
    cutAt();
  }
  function cutAt() {
    const plane = planes()[+slider.value];
    view.cut_mm = plane.at_mm - data.hips[hip].middle_mm[2];
    view.cut = byId("cut").checked ? 1 : 0;
    view.lines = [["wing", plane.wing], ["roof", plane.roof]].filter(([, ends]) => ends)
      .map(([name, ends]) => ({ name, from: inView(ends[0], plane.at_mm), to: inView(ends[1], plane.at_mm) }));
    pictureOf(plane.picture, (image) => {
      if (planes()[+slider.value] !== plane) return;
      if (view.plane) view.drop(view.plane);
      const [top, left, bottom, right] = [lateral + half, superior + half, lateral + half - height, superior + half - width];
      view.plane = view.planeOf([[top, left], [top, right], [bottom, right], [bottom, left]].map((one) => inView(one, plane.at_mm)), image);
      view.plane.opacity = byId("cut").checked ? 0.97 : 0.75;
      view.draw();
    });
    section(plane);
    say(plane);
    curve();
    view.draw();
  }
  function pictureOf(source, then) {
    if (pictures.has(source)) { then(pictures.get(source)); return; }
    const image = new Image();
    image.onload = () => { pictures.set(source, image); then(image); };
    image.src = source;
  }
  function section(plane) {
    const line = (ends, name) => {
      if (!ends) return "";
      const [a, b] = ends.map(inSection);
      return `<line class="${name}" x1="${a[0]}" y1="${a[1]}" x2="${b[0]}" y2="${b[1]}"/>`;
    };
    const paths = Object.entries(plane.outlines).filter(([name]) => !hidden.has(name)).map(([name, d]) => {
      const look = data.dashes[name];
      return `<path d="${d}" stroke="${look.colour}" stroke-dasharray="${look.dashes.map((one) => (0.28 * one).toFixed(2)).join(" ")}"/>`;
    });
    const dots = (plane.roof || []).map(inSection).map(([x, y]) => `<circle cx="${x}" cy="${y}" r="0.38"/>`);
    const svg = byId("section");
    svg.setAttribute("viewBox", `${-half} ${-half} ${width} ${height}`);
    svg.innerHTML = `<image href="${plane.picture}" x="${-half}" y="${-half}" width="${width}" height="${height}" preserveAspectRatio="none"/>` +
      paths.join("") + line(plane.wing, "wing") + line(plane.roof, "roof") + dots.join("") +
      `<text x="${width / 2}" y="1.6" text-anchor="middle">lateral</text><text x="${width / 2}" y="${height - 0.9}" text-anchor="middle">medial</text>` +
      `<text x="0.6" y="${height - 0.9}">cranial</text><text x="${width - 1}" y="${height - 0.9}" text-anchor="end">caudal</text>` +
      `<line class="scale" x1="${width - 11}" x2="${width - 1}" y1="1" y2="1"/><text x="${width - 6}" y="2.5" text-anchor="middle">10 mm</text>`;
  }
  function say(plane) {
    byId("where").textContent = where(plane.at_mm);
    slider.setAttribute("aria-valuetext", where(plane.at_mm));
    const alpha = byId("alpha"), parts = [];
    alpha.classList.toggle("refused", plane.alpha_deg === null);
    if (plane.alpha_deg === null) alpha.textContent = `Alpha refused: ${plane.refusal}.`;
    else {
      alpha.textContent = `α ${deg(plane.alpha_deg)} `;
      alpha.insertAdjacentHTML("beforeend", `<small>measured in the ${Math.abs(plane.at_mm) < 0.005 ? "Graf plane" : "chosen plane"}</small>`);
      const isTruth = data.hips[hip].ways[way].name === "truth";
      if (!isTruth) parts.push(plane.lower_deg === null ? "No interval is calibrated for this plane; the curve shows where one is."
        : `Calibrated ${deg(plane.calibrated_deg)}, ${data.level} interval ${deg(plane.lower_deg)} to ${deg(plane.upper_deg)}.`);
    }
    if (plane.truth_deg !== null) parts.push(`The simulated hip was built with ${deg(plane.truth_deg)} here.`);
    byId("said").textContent = parts.join(" ");
  }

  // Alpha over the place of the plane, all ways of seeing the hip at once.
  function curve() {
    const own = data.hips[hip], wide = Math.max(byId("curve").clientWidth, 280), tall = 190, [x0, x1, y0, y1] = [34, wide - 8, 12, tall - 34];
    const all = own.ways.flatMap((one) => one.planes);
    const reach = Math.max(...all.map((one) => Math.abs(one.at_mm)));
    const values = all.flatMap((one) => [one.alpha_deg, one.lower_deg, one.upper_deg, one.truth_deg]).filter((one) => one !== null);
    const low = Math.floor((Math.min(...values, 50) - 2) / 10) * 10, high = Math.ceil((Math.max(...values, 60) + 2) / 10) * 10;
    const x = (mm) => x0 + (x1 - x0) * (0.5 + mm / (2 * reach)), y = (value) => y1 + (y0 - y1) * (value - low) / (high - low);
    const out = [];
    for (let value = low; value <= high; value += 10) out.push(`<line class="grid" x1="${x0}" x2="${x1}" y1="${y(value)}" y2="${y(value)}"/><text x="${x0 - 5}" y="${y(value) + 4}" text-anchor="end">${value}°</text>`);
    for (let mm = -Math.floor(reach / 2.5) * 2.5; mm <= reach; mm += 2.5) out.push(`<text x="${x(mm)}" y="${y1 + 15}" text-anchor="middle">${mm > 0 ? "+" : ""}${String(mm).replace("-", "−")}</text>`);
    out.push(`<text x="${(x0 + x1) / 2}" y="${tall - 4}" text-anchor="middle">behind the Graf plane, mm</text>`);
    const now = planes()[+slider.value];
    out.push(`<line class="now" x1="${x(now.at_mm)}" x2="${x(now.at_mm)}" y1="${y0}" y2="${y1}"/>`);
    for (const one of own.ways) {
      const name = one.name, colour = data.colours[name], points = one.planes.map((plane) => plane.alpha_deg === null ? null : [x(plane.at_mm), y(plane.alpha_deg)]);
      let pen = "M";
      const d = points.map((point) => { if (!point) { pen = "M"; return ""; } const part = `${pen}${point[0].toFixed(1)},${point[1].toFixed(1)}`; pen = "L"; return part; }).join("");
      out.push(`<path d="${d}" fill="none" stroke="${colour}" stroke-width="2.2" ${name === "truth" ? 'stroke-dasharray="6 4"' : ""}/>`);
      if (name !== "truth") for (const plane of one.planes.filter((each) => each.lower_deg !== null)) {
        const at = x(plane.at_mm) + 3;
        out.push(`<line x1="${at}" x2="${at}" y1="${y(plane.lower_deg)}" y2="${y(plane.upper_deg)}" stroke="${colour}" stroke-width="1.6" opacity="0.75"/><line x1="${at - 4}" x2="${at + 4}" y1="${y(plane.calibrated_deg)}" y2="${y(plane.calibrated_deg)}" stroke="${colour}" stroke-width="1.6"/>`);
      }
    }
    const built = own.ways[0].planes.filter((plane) => plane.truth_deg !== null);
    for (const plane of built) out.push(`<path d="M${x(plane.at_mm) - 3},${y(plane.truth_deg) - 5}l5,5l-5,5l-5,-5Z" fill="${data.colours.truth}"/>`);
    if (now.alpha_deg !== null) out.push(`<circle cx="${x(now.at_mm)}" cy="${y(now.alpha_deg)}" r="5" fill="${data.colours[own.ways[way].name]}" stroke="#fff" stroke-width="1.5"/>`);
    byId("curve").setAttribute("viewBox", `0 0 ${wide} ${tall}`);
    byId("curve").innerHTML = out.join("");
    legend(own, built.length > 0);
  }
  function legend(own, hasBuilt) {
    const item = (drawn, said) => `<li><svg viewBox="0 0 26 12" aria-hidden="true">${drawn}</svg>${said}</li>`;
    const items = own.ways.map((one) =>
      item(`<line x1="1" x2="25" y1="6" y2="6" stroke="${data.colours[one.name]}" stroke-width="2.4" ${one.name === "truth" ? 'stroke-dasharray="6 4"' : ""}/>`, `α, ${one.title}`));
    if (own.ways.some((one) => one.name !== "truth" && one.planes.some((plane) => plane.lower_deg !== null)))
      items.push(item(`<path d="M13,0V12M9,6h8" stroke="${data.colours.model}" stroke-width="1.8"/>`, `calibrated, with ${data.level} interval`));
    if (hasBuilt) items.push(item(`<path d="M13,1l5,5l-5,5l-5,-5Z" fill="${data.colours.truth}"/>`, "as the hip was built"));
    byId("legend").innerHTML = items.join("");
  }

  byId("hip").addEventListener("change", (event) => chooseHip(+event.target.value));
  slider.addEventListener("input", cutAt);
  byId("cut").addEventListener("change", cutAt);
  byId("reset").addEventListener("click", () => view.reset());
  root.querySelectorAll("[data-structure]").forEach((box) => box.addEventListener("change", () => {
    hidden[box.checked ? "delete" : "add"](box.dataset.structure);
    view.meshes.forEach((mesh) => { mesh.shown = !hidden.has(mesh.name); });
    cutAt();
  }));
  window.addEventListener("resize", curve);
  slider.max = data.hips[0].ways[0].planes.length - 1;
  slider.value = slider.max / 2;
  chooseHip(0);
  view.setTurning(false);
})();
