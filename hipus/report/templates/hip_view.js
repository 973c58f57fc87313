// A turning hip: WebGL 2, no library, no network. Without WebGL the still picture stays.
(function () {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("hip-data").textContent);
  const canvas = byId("view"), marks = byId("marks");
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, premultipliedAlpha: true });
  if (!gl) return;

  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer;
  const compiled = (kind, source) => {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    return shader;
  };
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl.VERTEX_SHADER, `#version 300 es
    in vec3 place; in vec3 normal; uniform mat3 turn; uniform vec3 scale; out vec3 seen;
    void main() {
      vec3 at = turn * place; seen = turn * normal;
      gl_Position = vec4(at.x * scale.x, -at.y * scale.y, at.z * scale.z, 1.0);
    }`));
  // Light, ambient and highlight as in the still picture.
  gl.attachShader(program, compiled(gl.FRAGMENT_SHADER, `#version 300 es
    precision highp float; in vec3 seen; uniform vec4 colour; uniform float lit; out vec4 found;
    void main() {
      vec3 n = normalize(seen); if (n.z > 0.0) n = -n;
      vec3 light = normalize(vec3(-0.45, -0.65, -0.62));
      float shine = 0.15 * pow(max(dot(n, normalize(light + vec3(0, 0, -1))), 0.0), 24.0);
      vec3 rgb = mix(colour.rgb, (0.25 + 0.75 * max(dot(n, light), 0.0)) * colour.rgb + shine, lit);
      found = vec4(rgb * colour.a, colour.a);
    }`));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return;
  gl.useProgram(program);
  const uniform = (name) => gl.getUniformLocation(program, name);
  const at = { turn: uniform("turn"), scale: uniform("scale"), colour: uniform("colour"), lit: uniform("lit") };

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
  const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16) / 255);
  const meshes = data.meshes.map((mesh) => {
    const places = Float32Array.from(new Int16Array(bytes(mesh.places)), (one) => one * data.unit_mm);
    const faces = new Uint32Array(bytes(mesh.faces));
    return { ...stored(places, normalsOf(places, faces), faces), colour: rgb(mesh.colour), shown: true };
  });
  let plane = null;
  if (data.plane) {
    const places = new Float32Array(data.plane.flat());
    plane = { ...stored(places, new Float32Array(12), new Uint32Array([0, 1, 2, 0, 2, 3])), shown: true };
  }

  // Rows: right, down, away from the viewer.
  const times = (a, b) => a.map((row) => [0, 1, 2].map((c) => row[0] * b[0][c] + row[1] * b[1][c] + row[2] * b[2][c]));
  const aboutY = (t) => [[Math.cos(t), 0, -Math.sin(t)], [0, 1, 0], [Math.sin(t), 0, Math.cos(t)]];
  const aboutX = (t) => [[1, 0, 0], [0, Math.cos(t), -Math.sin(t)], [0, Math.sin(t), Math.cos(t)]];
  const first = data.view_deg.map((deg) => deg * Math.PI / 180);
  let turn = first[0], tilt = first[1], zoom = 1, turning = false, last = 0;

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    }
    const m = times(aboutX(tilt), aboutY(turn));
    const half = 0.92 * data.radius_mm / zoom, aspect = width / height;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.uniformMatrix3fv(at.turn, true, m.flat());
    const across = half * Math.max(aspect, 1), down = half * Math.max(1 / aspect, 1);
    gl.uniform3f(at.scale, 1 / across, 1 / down, 0.2 / data.radius_mm);
    gl.uniform1f(at.lit, 1);
    for (const mesh of meshes.filter((one) => one.shown)) {
      gl.uniform4f(at.colour, ...mesh.colour, 1);
      gl.bindVertexArray(mesh.array);
      gl.drawElements(gl.TRIANGLES, mesh.count, gl.UNSIGNED_INT, 0);
    }
    if (plane && plane.shown) {
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.depthMask(false);
      gl.uniform1f(at.lit, 0);
      gl.uniform4f(at.colour, 0.84, 0.37, 0, 0.28);
      gl.bindVertexArray(plane.array);
      gl.drawElements(gl.TRIANGLES, plane.count, gl.UNSIGNED_INT, 0);
      gl.depthMask(true);
      gl.disable(gl.BLEND);
    }
    mark(m, width, height, width / (2 * across));
  }
  function mark(m, width, height, pxPerMm) {
    const at = [86, height - 46], bar = 10 * pxPerMm;
    const parts = data.axes.map(([name, axis]) => {
      const [x, y] = [0, 1].map((r) => 26 * (m[r][0] * axis[0] + m[r][1] * axis[1] + m[r][2] * axis[2]));
      return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[0] + x}" y2="${at[1] + y}"/>` +
        `<text x="${at[0] + 1.25 * x}" y="${at[1] + 1.35 * y + 4}" text-anchor="${x < -4 ? "end" : x > 4 ? "start" : "middle"}">${name}</text>`;
    });
    marks.innerHTML = parts.join("") +
      `<line x1="${width - 14 - bar}" x2="${width - 14}" y1="${height - 14}" y2="${height - 14}"/>` +
      `<text x="${width - 14 - bar / 2}" y="${height - 20}" text-anchor="middle">10 mm</text>`;
  }
  function step(now) {
    if (!turning) return;
    turn += Math.min(now - last, 100) * 4e-4;
    last = now;
    draw();
    requestAnimationFrame(step);
  }
  function setTurning(wanted) {
    const button = byId("turn");
    button.setAttribute("aria-pressed", String(wanted));
    button.textContent = wanted ? "Stop" : "Turn";
    if (wanted && !turning) { last = performance.now(); requestAnimationFrame(step); }
    turning = wanted;
  }

  byId("still").style.display = "none";
  canvas.hidden = false;
  marks.removeAttribute("hidden");
  byId("tools").hidden = false;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("turn").addEventListener("click", () => setTurning(!turning));
  byId("reset").addEventListener("click", () => { [turn, tilt] = first; zoom = 1; draw(); });
  document.querySelectorAll("[data-mesh]").forEach((box) => box.addEventListener("change", () => {
    meshes[+box.dataset.mesh].shown = box.checked; draw();
  }));
  if (plane) byId("plane").addEventListener("change", (event) => { plane.shown = event.target.checked; draw(); });
  const keys = {
    ArrowLeft: () => { turn -= 0.1; }, ArrowRight: () => { turn += 0.1; },
    ArrowUp: () => { tilt -= 0.1; }, ArrowDown: () => { tilt += 0.1; },
    "+": () => { zoom = Math.min(zoom * 1.15, 6); }, "-": () => { zoom = Math.max(zoom / 1.15, 0.5); },
    "0": () => { [turn, tilt] = first; zoom = 1; }, " ": () => setTurning(!turning),
  };
  canvas.addEventListener("keydown", (event) => {
    const act = keys[event.key === "=" ? "+" : event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key !== " ") setTurning(false);
    act();
    draw();
  });
  let held = null;
  canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); setTurning(false); });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    turn += (event.clientX - held[0]) * 0.01;
    tilt += (event.clientY - held[1]) * 0.01;
    held = [event.clientX, event.clientY];
    draw();
  });
  ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { held = null; }));
  canvas.addEventListener("webglcontextlost", () => { byId("still").style.display = ""; canvas.hidden = true; marks.setAttribute("hidden", ""); setTurning(false); });
  window.addEventListener("resize", draw);
  draw();
  setTurning(!calm);
})();
