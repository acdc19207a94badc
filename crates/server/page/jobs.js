// Jobs: sent, followed, listed, opened, downloaded, deleted.
"use strict";

const Jobs = (() => {
  const get = (id) => document.getElementById(id);
  let list = [], current = null, version = 0, following = null, labelsFile = null, state = null;

  const WORDS = { received: "received", ready: "waits", running: "runs", results: "ends", sending: "is sent", done: "done", failed: "failed" };
  const title = (job) => job.name || `Scan of ${new Date(job.created).toLocaleString()}`;

  async function refresh() {
    list = (await Api.json("/jobs")).jobs;
    get("history").replaceChildren(...list.map((job) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      const name = document.createElement("span"), text = document.createElement("span");
      name.textContent = title(job);
      text.className = "small";
      text.textContent = `${job.model} · ${WORDS[job.state]} · ${new Date(job.created).toLocaleString()}`;
      button.append(name, text);
      button.setAttribute("aria-current", String(Boolean(current) && current.id === job.id));
      button.onclick = () => App.doing(open(job.id));
      item.append(button);
      return item;
    }));
  }

  // Whether the changes of an edit may be lost.
  const mayLeave = () => !Edit.unsaved() || confirm("Leave without saving the changes?");

  async function open(id, wanted) {
    if (!mayLeave()) return;
    Edit.end();
    if (following) following.abort();
    following = null;
    App.problem("");
    current = await Api.json(`/jobs/${id}`);
    await refresh();
    get("nothing").hidden = true;
    if (current.state === "done") return show(wanted);
    for (const part of ["scan", "side"]) get(part).hidden = true;
    get("running").hidden = false;
    progress(current);
    if (current.state === "failed") return App.problem(`${title(current)} failed: ${current.reason}`);
    following = new AbortController();
    const id_ = id;
    await Api.follow(id, progress, following.signal).catch((error) => { if (error.name !== "AbortError") throw error; });
    const ended = await Api.json(`/jobs/${id_}`).catch(() => null);
    if (ended && current && current.id === id_ && (ended.state === "done" || ended.state === "failed")) await open(id_);
  }

  function progress(job) {
    get("running-title").textContent = `${title(job)} · ${job.model}`;
    const bar = get("progress"), at = job.progress;
    let text = { received: "The scan is looked at.", ready: `Waits; place ${job.place} in the queue.`, running: "Runs.", results: "Volumes are counted.", sending: "Results are sent.", failed: `Failed: ${job.reason}`, done: "Done." }[job.state];
    bar.removeAttribute("value");
    bar.hidden = job.state === "failed";
    if (job.state === "running" && at) {
      if (at.total) bar.value = at.done / at.total;
      const left = at.remaining_seconds ? `, about ${Math.ceil(at.remaining_seconds)} s left` : "";
      text = `${at.stage} ${at.done}${at.total ? ` of ${at.total}` : ""}${left}`;
    }
    get("running-text").textContent = text;
    get("stop").textContent = job.state === "failed" ? "Delete this job" : "Stop and delete";
    if (job.state !== state) {
      state = job.state;
      App.say(state === "failed" ? "" : `${title(job)}: ${text}`);
      App.doing(refresh());
    }
  }

  async function show(wanted) {
    get("running").hidden = true;
    version = wanted || Math.max(...current.versions.map((one) => one.number));
    App.say("The scan is loaded…");
    for (const part of ["scan", "side"]) get(part).hidden = false;
    const [image, labels] = await Promise.all([Api.bytes(`/jobs/${current.id}/image`), Api.bytes(`/jobs/${current.id}/labels?version=${version}`)]);
    labelsFile = await Nifti.unpacked(labels);
    const shown = await Viewer.show(await Nifti.unpacked(image), "scan.nii", labelsFile);
    get("no-webgl").hidden = shown;
    get("canvas-frame").hidden = !shown;
    get("edit").disabled = !shown;
    const [low, high] = Viewer.getWindow();
    [get("low").value, get("high").value] = [low, high].map((value) => Number(value.toPrecision(4)));
    versions();
    Compare.offer(current, version, list);
    downloads();
    App.say(`${title(current)}, version ${version} is shown.`);
  }

  function versions() {
    get("version").replaceChildren(...current.versions.map((one) => new Option(`${one.number}: ${one.number === 1 ? "by the model" : "edited"}, ${new Date(one.created).toLocaleString()}`, one.number, false, one.number === version)));
    Labels.set(current.versions.find((one) => one.number === version).volumes);
  }

  function downloads() {
    const base = `/jobs/${current.id}`, of = `?version=${version}`;
    const files = [["Labels (NIfTI)", `${base}/labels${of}`, `labels_${version}.nii.gz`], ["Volumes (CSV)", `${base}/volumes${of}`, `volumes_${version}.csv`, { headers: { Accept: "text/csv" } }], ["Picture (PNG)", `${base}/picture${of}`, `picture_${version}.png`], ["Scan (NIfTI)", `${base}/image`, current.kind === "nifti" ? "scan.nii" : "scan.nii.gz"]];
    if (current.probabilities) files.push(["Probabilities (NIfTI)", `${base}/probabilities`, "probabilities.nii.gz"]);
    if (current.dicom) files.push(["Segmentation (DICOM SEG)", `${base}/seg${of}`, `seg_${version}.dcm`], ["Report (DICOM SR)", `${base}/sr${of}`, `sr_${version}.dcm`], ["Contours (RTSTRUCT)", `${base}/rtstruct${of}`, `rtstruct_${version}.dcm`]);
    get("downloads").replaceChildren(...files.map(([text, path, name, options]) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.onclick = () => App.doing(Api.download(path, name, options));
      item.append(button);
      return item;
    }));
  }

  async function remove() {
    if (!current || !confirm(`Delete ${title(current)} with all its results?`)) return;
    Edit.end();
    await Api.ask(`/jobs/${current.id}`, { method: "DELETE" });
    if (following) following.abort();
    current = null;
    for (const part of ["running", "scan", "side"]) get(part).hidden = true;
    get("nothing").hidden = false;
    App.problem("");
    App.say("The job was deleted.");
    await refresh();
  }

  get("stop").onclick = () => App.doing(remove());
  get("delete").onclick = () => App.doing(remove());
  get("version").onchange = () => App.doing(open(current.id, Number(get("version").value)));
  get("edit").onclick = () => App.doing(Edit.begin(current, labelsFile));
  get("compare").onclick = () => { Edit.end(); App.doing(Compare.run(current, version, get("other").value)); };
  get("compare-end").onclick = () => App.doing(Viewer.setLabels(labelsFile).then(() => { versions(); Compare.clear(); }));

  return { refresh, open, title };
})();
