// Editing labels: the pen is NiiVue's; which voxels a stroke may change, undo, redo and saving are here.
"use strict";

const Edit = (() => {
  const get = (id) => document.getElementById(id);
  let nv = null, job = null, tool = "brush";
  let last = null; // the bytes after the last change
  let done = [], undone = [];
  let unsaved = false;

  const active = () => nv !== null;

  async function begin(current, labelsFile) {
    const file = Nifti.labels(labelsFile);
    if (file.values.some((value) => value > 255)) throw new Error("This page edits labels up to 255, and these have larger values. Download them and edit them with another program.");
    const drawing = await Viewer.loaded(Nifti.withValues(file.buffer, Uint8Array.from(file.values)), "drawing.nii");
    nv = Viewer.niivue();
    nv.opts.penType = 0;
    if (!nv.loadDrawing(drawing)) {
      nv = null;
      throw new Error("The labels are not on the grid of the scan, so they cannot be edited here.");
    }
    job = current;
    nv.setDrawColormap(Viewer.table(Labels.list().map((label) => ({ ...label, shown: true }))));
    nv.setDrawOpacity(Number(get("opacity").value));
    nv.setOpacity(1, 0);
    last = nv.drawBitmap.slice();
    [done, undone, unsaved] = [[], [], false];
    const pens = Labels.list().filter((label) => label.value <= 255);
    get("pen").replaceChildren(...pens.map((label) => new Option(label.name, label.value)));
    const [low, high] = Viewer.getWindow();
    get("from").value = Number(((low + high) / 2).toPrecision(4));
    get("to").value = Number(high.toPrecision(4));
    get("edit-off").hidden = true;
    get("edit-on").hidden = false;
    choose("brush");
    buttons();
  }

  function end() {
    if (!active()) return;
    nv.setDrawingEnabled(false);
    nv.closeDrawing();
    [nv, job, last, done, undone, unsaved] = [null, null, null, [], [], false];
    get("edit-off").hidden = false;
    get("edit-on").hidden = true;
    Labels.apply();
  }

  function choose(name) {
    tool = name;
    for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    get("range").hidden = name !== "threshold";
    if (!active()) return;
    nv.opts.penSize = Math.max(1, Number(get("size").value) || 1);
    nv.setDrawingEnabled(name !== "look");
    if (name !== "look") nv.setPenValue(penValue(), name === "fill");
  }

  const penValue = () => (tool === "erase" ? 0 : Number(get("pen").value));

  // The intensity of the scan at a place of the drawing, whose axes run right, front, head.
  function intensities() {
    const image = nv.volumes[0], [nx, ny] = image.dimsRAS.slice(1);
    const { img, img2RASstep: step, img2RASstart: start } = image;
    const slope = image.hdr.scl_slope || 1, inter = image.hdr.scl_inter || 0;
    return (at) => {
      const x = at % nx, y = Math.floor(at / nx) % ny, z = Math.floor(at / (nx * ny));
      return img[start[0] + x * step[0] + start[1] + y * step[1] + start[2] + z * step[2]] * slope + inter;
    };
  }

  // Takes what the pen changed since the last change as one step.
  function commit() {
    if (!active() || !nv.drawBitmap) return;
    const now = nv.drawBitmap, at = [];
    const low = Number(get("from").value), high = Number(get("to").value);
    const intensity = tool === "threshold" ? intensities() : null;
    let returned = false;
    for (let i = 0; i < now.length; i++) {
      if (now[i] === last[i]) continue;
      if (intensity && !(intensity(i) >= low && intensity(i) <= high)) {
        now[i] = last[i];
        returned = true;
      } else at.push(i);
    }
    if (returned) nv.refreshDrawing(true);
    if (!at.length) return;
    const places = Uint32Array.from(at);
    done.push({ places, before: places.map((i) => last[i]), after: places.map((i) => now[i]) });
    undone = [];
    for (const i of places) last[i] = now[i];
    unsaved = true;
    buttons();
    App.say(`${places.length} voxels changed.`);
  }

  function step(from, to, values) {
    const change = from.pop();
    if (!active() || !change) return;
    change.places.forEach((place, i) => { nv.drawBitmap[place] = last[place] = change[values][i]; });
    to.push(change);
    nv.refreshDrawing(true);
    unsaved = true;
    buttons();
    App.say(`${values === "before" ? "Undone" : "Done again"}: ${change.places.length} voxels.`);
  }

  const undo = () => step(done, undone, "before");
  const redo = () => step(undone, done, "after");

  function buttons() {
    get("undo").disabled = !done.length;
    get("redo").disabled = !undone.length;
    get("undo").textContent = done.length ? `Undo (${done.length})` : "Undo";
  }

  // Paints at the crosshair, for the keyboard: in the plane that the view shows.
  function paint() {
    if (!active() || tool === "look") return;
    const place = nv.frac2vox(nv.scene.crosshairPos);
    nv.drawPenAxCorSag = nv.opts.sliceType <= 2 ? nv.opts.sliceType : 0;
    nv.drawPt(...place, penValue());
    nv.drawPenAxCorSag = -1;
    nv.refreshDrawing(true);
    commit();
  }

  function resize(by) {
    get("size").value = Math.min(60, Math.max(1, (Number(get("size").value) || 1) + by));
    choose(tool);
    App.say(`Brush of ${get("size").value} voxels.`);
  }

  async function save() {
    if (!active()) return;
    const bytes = await nv.volumes[1].saveToDisk("", nv.drawBitmap);
    const version = await Api.send(`/jobs/${job.id}/labels`, new Blob([bytes]), () => {});
    unsaved = false;
    App.say(`Saved as version ${version.number}.`);
    await Jobs.open(job.id, version.number);
  }

  for (const button of document.querySelectorAll("[data-tool]")) button.onclick = () => choose(button.dataset.tool);
  get("size").onchange = () => choose(tool);
  get("pen").onchange = () => choose(tool);
  get("undo").onclick = undo;
  get("redo").onclick = redo;
  get("save").onclick = () => App.doing(save());
  get("leave").onclick = () => { if (!unsaved || confirm("Leave without saving the changes?")) end(); };
  // NiiVue ends a stroke, and fills an outline, at the same event.
  window.addEventListener("mouseup", () => setTimeout(commit, 30));
  window.addEventListener("touchend", () => setTimeout(commit, 30));
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  return { begin, end, active, choose, paint, resize, undo, redo, save, unsaved: () => unsaved };
})();
