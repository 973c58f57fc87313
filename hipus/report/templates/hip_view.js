// The turning hip of a run's page. Without WebGL the still picture stays.
(function () {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("hip-data").textContent);
  const canvas = byId("view"), marks = byId("marks");
  const lost = () => { byId("still").style.display = ""; canvas.hidden = true; marks.setAttribute("hidden", ""); };
  const view = turningSurfaces(canvas, marks, {
    axes: data.axes, radius_mm: data.radius_mm, view_deg: data.view_deg, button: byId("turn"), lost,
  });
  if (!view) return;
  view.meshes = data.meshes.map((mesh) => view.loaded(mesh, data.unit_mm));
  if (data.plane) view.plane = view.planeOf(data.plane);
  byId("still").style.display = "none";
  canvas.hidden = false;
  marks.removeAttribute("hidden");
  byId("tools").hidden = false;
  byId("reset").addEventListener("click", () => view.reset());
  document.querySelectorAll("[data-mesh]").forEach((box) => box.addEventListener("change", () => {
    view.meshes[+box.dataset.mesh].shown = box.checked; view.draw();
  }));
  if (view.plane) byId("plane").addEventListener("change", (event) => { view.plane.shown = event.target.checked; view.draw(); });
  view.draw();
  view.setTurning(!window.matchMedia("(prefers-reduced-motion: reduce)").matches);
})();
