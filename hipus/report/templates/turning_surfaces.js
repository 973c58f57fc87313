// Surfaces that turn, and one plane through them: WebGL 2, no library, no network. What a page
// shows and which controls it has is the page's own; without WebGL `turningSurfaces` gives null.
function turningSurfaces(canvas, marks, options) {
  "use strict";
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, premultipliedAlpha: true });
  if (!gl) return null;
  const compiled = (kind, source) => {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    return shader;
  };
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl.VERTEX_SHADER, `#version 300 es
    in vec3 place; in vec3 normal; uniform mat3 turn; uniform vec3 scale;
    out vec3 seen; out vec3 own; out vec2 inside;
    void main() {
      vec3 at = turn * place; seen = turn * normal; own = place; inside = normal.xy;
      gl_Position = vec4(at.x * scale.x, -at.y * scale.y, at.z * scale.z, 1.0);
    }`));
  // Surfaces: a key light from the upper left, a soft one from the right, light from above, and
  // edges that darken. Planes: a flat colour, or a picture whose unknown parts are hardly seen.
  gl.attachShader(program, compiled(gl.FRAGMENT_SHADER, `#version 300 es
    precision highp float; in vec3 seen; in vec3 own; in vec2 inside;
    uniform vec4 colour; uniform int kind; uniform vec2 cut; uniform sampler2D picture;
    out vec4 found;
    void main() {
      if (kind == 0 && cut.x * (own.z - cut.y) < 0.0) discard;
      if (kind == 1) { found = vec4(colour.rgb * colour.a, colour.a); return; }
      if (kind == 2) {
        float grey = texture(picture, inside).r;
        float alpha = colour.a * mix(0.1, 1.0, smoothstep(0.0, 0.05, grey));
        found = vec4(vec3(grey) * alpha, alpha); return;
      }
      vec3 n = normalize(seen); if (n.z > 0.0) n = -n;
      vec3 key = normalize(vec3(-0.45, -0.65, -0.62)), soft = normalize(vec3(0.8, 0.1, -0.6));
      float shine = 0.14 * pow(max(dot(n, normalize(key + vec3(0, 0, -1))), 0.0), 24.0);
      float light = 0.32 + 0.1 * (0.5 - 0.5 * n.y) + 0.58 * max(dot(n, key), 0.0)
        + 0.16 * max(dot(n, soft), 0.0);
      light *= 1.0 - 0.3 * pow(1.0 + n.z, 3.0);
      found = vec4(min(light * colour.rgb + shine, 1.0), 1.0);
    }`));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  const at = {};
  for (const name of ["turn", "scale", "colour", "kind", "cut"]) at[name] = gl.getUniformLocation(program, name);

  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer;
  const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16) / 255);
  function normalsOf(places, faces) {
    const normals = new Float32Array(places.length);
    for (let f = 0; f < faces.length; f += 3) {
      const [a, b, c] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
      const u = [0, 1, 2].map((k) => places[b + k] - places[a + k]);
      const v = [0, 1, 2].map((k) => places[c + k] - places[a + k]);
      const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      for (const corner of [a, b, c]) for (let k = 0; k < 3; k++) normals[corner + k] += n[k];
    }
    return normals;
  }
  function stored(places, normals, faces) {
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    [["place", places], ["normal", normals]].forEach(([name, values]) => {
      const slot = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, 3, gl.FLOAT, false, 0, 0);
    });
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, faces, gl.STATIC_DRAW);
    return { array, count: faces.length };
  }
  // `places` are base64 of int16 times a unit in mm, `faces` of uint32.
  const loaded = (mesh, unit_mm) => {
    const places = Float32Array.from(new Int16Array(bytes(mesh.places)), (one) => one * unit_mm);
    const faces = new Uint32Array(bytes(mesh.faces));
    return { ...stored(places, normalsOf(places, faces), faces), colour: rgb(mesh.colour), name: mesh.name, shown: true };
  };
  // Corners run around the plane from where its picture begins, along the picture's rows.
  const planeOf = (corners, image) => {
    const inside = new Float32Array([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0]);
    const made = stored(new Float32Array(corners.flat()), inside, new Uint32Array([0, 1, 2, 0, 2, 3]));
    if (!image) return { ...made, shown: true, opacity: 0.28 };
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
    for (const [name, value] of [[gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE]]) gl.texParameteri(gl.TEXTURE_2D, name, value);
    return { ...made, texture, shown: true, opacity: 0.95 };
  };

  // Rows: right, down, away from the viewer.
  const times = (a, b) => a.map((row) => [0, 1, 2].map((c) => row[0] * b[0][c] + row[1] * b[1][c] + row[2] * b[2][c]));
  const aboutY = (t) => [[Math.cos(t), 0, -Math.sin(t)], [0, 1, 0], [Math.sin(t), 0, Math.cos(t)]];
  const aboutX = (t) => [[1, 0, 0], [0, Math.cos(t), -Math.sin(t)], [0, Math.sin(t), Math.cos(t)]];
  const seenFrom = (m, p) => [0, 1, 2].map((r) => m[r][0] * p[0] + m[r][1] * p[1] + m[r][2] * p[2]);
  const view = { meshes: [], plane: null, lines: [], axes: options.axes, radius_mm: options.radius_mm, cut: 0, cut_mm: 0 };
  let first = options.view_deg.map((deg) => deg * Math.PI / 180);
  let turn = first[0], tilt = first[1], zoom = 1, turning = false, last = 0;

  view.draw = function () {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    }
    const m = times(aboutX(tilt), aboutY(turn));
    const half = 0.92 * view.radius_mm / zoom, aspect = width / height;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.uniformMatrix3fv(at.turn, true, m.flat());
    const across = half * Math.max(aspect, 1), down = half * Math.max(1 / aspect, 1);
    gl.uniform3f(at.scale, 1 / across, 1 / down, 0.2 / view.radius_mm);
    gl.uniform2f(at.cut, view.cut, view.cut_mm);
    gl.uniform1i(at.kind, 0);
    for (const mesh of view.meshes.filter((one) => one.shown)) {
      gl.uniform4f(at.colour, ...mesh.colour, 1);
      gl.bindVertexArray(mesh.array);
      gl.drawElements(gl.TRIANGLES, mesh.count, gl.UNSIGNED_INT, 0);
    }
    if (view.plane && view.plane.shown) drawPlane(view.plane);
    mark(m, width, height, width / (2 * across));
  };
  function drawPlane(plane) {
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthMask(false);
    gl.uniform1i(at.kind, plane.texture ? 2 : 1);
    gl.uniform4f(at.colour, 0.84, 0.37, 0, plane.opacity);
    if (plane.texture) gl.bindTexture(gl.TEXTURE_2D, plane.texture);
    gl.bindVertexArray(plane.array);
    gl.drawElements(gl.TRIANGLES, plane.count, gl.UNSIGNED_INT, 0);
    gl.depthMask(true);
    gl.disable(gl.BLEND);
  }
  function mark(m, width, height, pxPerMm) {
    const corner = options.corner || [86, 46], middle = [corner[0], height - corner[1]], bar = 10 * pxPerMm;
    const put = (p) => { const s = seenFrom(m, p); return [width / 2 + s[0] * pxPerMm, height / 2 + s[1] * pxPerMm]; };
    const lines = view.lines.map((line) => {
      const [a, b] = [put(line.from), put(line.to)];
      return `<line class="${line.name}" x1="${a[0]}" y1="${a[1]}" x2="${b[0]}" y2="${b[1]}"/>`;
    });
    const parts = view.axes.map(([name, axis]) => {
      const [x, y, z] = seenFrom(m, axis).map((one) => 26 * one);
      return `<line x1="${middle[0]}" y1="${middle[1]}" x2="${middle[0] + x}" y2="${middle[1] + y}"/>` +
        `<text opacity="${z > 13 ? 0.55 : 1}" x="${middle[0] + 1.25 * x}" y="${middle[1] + 1.35 * y + 4}" text-anchor="${x < -4 ? "end" : x > 4 ? "start" : "middle"}">${name}</text>`;
    });
    marks.innerHTML = lines.join("") + parts.join("") +
      `<line x1="${width - 14 - bar}" x2="${width - 14}" y1="${height - 14}" y2="${height - 14}"/>` +
      `<text x="${width - 14 - bar / 2}" y="${height - 20}" text-anchor="middle">10 mm</text>`;
  }
  function step(now) {
    if (!turning) return;
    turn += Math.min(now - last, 100) * 4e-4;
    last = now;
    view.draw();
    requestAnimationFrame(step);
  }
  view.setTurning = function (wanted) {
    options.button.setAttribute("aria-pressed", String(wanted));
    options.button.textContent = wanted ? "Stop" : "Turn";
    if (wanted && !turning) { last = performance.now(); requestAnimationFrame(step); }
    turning = wanted;
  };
  view.reset = function (view_deg) {
    if (view_deg) first = view_deg.map((deg) => deg * Math.PI / 180);
    [turn, tilt] = first; zoom = 1; view.draw();
  };
  view.loaded = loaded;
  view.planeOf = planeOf;
  view.drop = (one) => { gl.deleteVertexArray(one.array); if (one.texture) gl.deleteTexture(one.texture); };

  options.button.addEventListener("click", () => view.setTurning(!turning));
  const keys = {
    ArrowLeft: () => { turn -= 0.1; }, ArrowRight: () => { turn += 0.1; },
    ArrowUp: () => { tilt -= 0.1; }, ArrowDown: () => { tilt += 0.1; },
    "+": () => { zoom = Math.min(zoom * 1.15, 6); }, "-": () => { zoom = Math.max(zoom / 1.15, 0.5); },
    "0": () => view.reset(), " ": () => view.setTurning(!turning),
  };
  canvas.addEventListener("keydown", (event) => {
    const act = keys[event.key === "=" ? "+" : event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key !== " ") view.setTurning(false);
    act();
    view.draw();
  });
  let held = null;
  canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); view.setTurning(false); });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    turn += (event.clientX - held[0]) * 0.01;
    tilt += (event.clientY - held[1]) * 0.01;
    held = [event.clientX, event.clientY];
    view.draw();
  });
  ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { held = null; }));
  canvas.addEventListener("webglcontextlost", () => { view.setTurning(false); options.lost(); });
  window.addEventListener("resize", () => view.draw());
  return view;
}
