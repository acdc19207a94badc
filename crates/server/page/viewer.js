// The scan and its labels in three planes and 3-D, by NiiVue, with our own keys.
"use strict";

const Viewer = (() => {
  const canvas = document.getElementById("canvas");
  let nv = null;
  let view = 3;
  let names = new Map();

  const supported = () => Boolean(document.createElement("canvas").getContext("webgl2"));

  async function begin() {
    if (nv || !supported()) return Boolean(nv);
    nv = new niivue.Niivue({
      logLevel: "error", dragAndDropEnabled: false, show3Dcrosshair: true, isColorbar: false,
      viewModeHotKey: "", clipPlaneHotKey: "", cycleClipPlaneHotKey: "",
      backColor: [0, 0, 0, 1], crosshairColor: [0.3, 0.8, 1, 0.8], crosshairWidth: 0.3, crosshairWidthUnit: "percent", isRadiologicalConvention: true, multiplanarShowRender: 1, isNearestInterpolation: false,
    });
    await nv.attachToCanvas(canvas);
    nv.onLocationChange = showPlace;
    return true;
  }

  const loaded = (buffer, name) => niivue.NVImage.loadFromUrl({ url: name, name, buffer });

  // Shows a scan with its labels; `Labels.set` then colours and draws them, so that NiiVue works through the voxels once.
  async function show(image, imageName, labels) {
    if (!(await begin())) return false;
    const volumes = await Promise.all([loaded(image, imageName), loaded(labels, "labels.nii")]);
    put(volumes);
    nv.opts.sliceType = view;
    return true;
  }

  function put(volumes) {
    nv.volumes = volumes;
    nv.back = volumes[0];
    nv.overlays = volumes.slice(1);
  }

  // Replaces the labels over the scan.
  async function setLabels(buffer) {
    if (!nv || !nv.volumes.length) return;
    put([nv.volumes[0], await loaded(buffer, "labels.nii")]);
  }

  // Colours of labels as NiiVue takes them: [{value, name, color, shown}].
  function table(list) {
    const sorted = [{ value: 0, name: "", color: [0, 0, 0], shown: false }, ...list].sort((a, b) => a.value - b.value);
    const channel = (index) => sorted.map((label) => label.color[index]);
    return { R: channel(0), G: channel(1), B: channel(2), A: sorted.map((label) => (label.shown ? 255 : 0)), I: sorted.map((label) => label.value), labels: sorted.map((label) => label.name) };
  }

  function setColours(list, opacity) {
    names = new Map(list.map((label) => [label.value, label.name]));
    if (!nv || nv.volumes.length < 2) return;
    nv.volumes[1].setColormapLabel(table(list));
    nv.volumes[1].opacity = opacity;
    nv.updateGLVolume();
  }

  function setView(kind) {
    view = kind;
    for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(Number(button.dataset.view) === kind));
    if (nv && nv.volumes.length) nv.setSliceType(kind);
  }

  function setWindow(low, high) {
    if (!nv || !nv.volumes.length || !(low < high)) return;
    nv.volumes[0].cal_min = low;
    nv.volumes[0].cal_max = high;
    nv.updateGLVolume();
  }

  const getWindow = () => (nv && nv.volumes.length ? [nv.volumes[0].cal_min, nv.volumes[0].cal_max] : [0, 1]);

  function showPlace(place) {
    const scan = place.values[0], label = place.values[1];
    const found = label && label.value ? ` · ${names.get(Math.round(label.value)) || `label ${label.value}`}` : "";
    const mm = Array.from(place.mm).slice(0, 3).map((x) => x.toFixed(1)).join(", ");
    document.getElementById("place").textContent = `Voxel ${Array.from(place.vox).join(", ")} · ${mm} mm · intensity ${Number(scan ? scan.value : 0).toPrecision(4)}${found}`;
  }

  // Moves the crosshair by voxels along the axes right, front, head.
  function move(right, front, head) {
    if (nv && nv.volumes.length) nv.moveCrosshairInVox(right, front, head);
  }

  // The steps of the arrow keys in the plane that is shown.
  function arrow(key) {
    const up = view === 1 || view === 2 ? [0, 0, 1] : [0, 1, 0];
    // The patient's right is on the left of the screen.
    const right = view === 2 ? [0, 1, 0] : [-1, 0, 0];
    const through = view === 1 ? [0, 1, 0] : view === 2 ? [1, 0, 0] : [0, 0, 1];
    const steps = { ArrowUp: up, ArrowRight: right, PageUp: through };
    const back = { ArrowDown: up, ArrowLeft: right, PageDown: through };
    if (steps[key]) move(...steps[key]);
    else if (back[key]) move(...back[key].map((step) => -step));
    else return false;
    return true;
  }

  return { begin, supported, show, setLabels, setColours, setView, setWindow, getWindow, arrow, table, loaded, canvas, niivue: () => nv };
})();
