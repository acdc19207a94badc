// Two label maps on one grid: where they agree, where only one has a label, where both have different ones.
"use strict";

const Compare = (() => {
  const get = (id) => document.getElementById(id);
  const KINDS = [
    { value: 1, name: "Both agree", color: [86, 180, 233] },
    { value: 2, name: "Only the shown one (A)", color: [230, 159, 0] },
    { value: 3, name: "Only the other (B)", color: [0, 158, 115] },
    { value: 4, name: "Both, with different labels", color: [204, 121, 167] },
  ];

  async function labels(job, version) {
    const buffer = await Nifti.unpacked(await Api.bytes(`/jobs/${job}/labels?version=${version}`));
    return Nifti.labels(buffer);
  }

  const kind = (a, b) => (a && b ? (a === b ? 1 : 4) : a ? 2 : b ? 3 : 0);

  async function run(current, version, choice) {
    const [otherJob, otherVersion] = choice.split("/");
    const [a, b] = await Promise.all([labels(current.id, version), labels(otherJob, otherVersion)]);
    if (a.dims.join() !== b.dims.join()) throw new Error(`The two do not lie on one grid (${a.dims.join(" × ")} and ${b.dims.join(" × ")} voxels); compare results of the same scan.`);
    const values = new Uint8Array(a.values.length), counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < values.length; i++) counts[values[i] = kind(a.values[i], b.values[i])]++;
    await Viewer.setLabels(Nifti.withValues(a.buffer, values));
    const volume = current.versions.find((one) => one.number === version).volumes.find((label) => label.voxels > 0);
    const millilitres = volume ? volume.millilitres / volume.voxels : 0;
    Labels.set(KINDS.map((of) => ({ ...of, millilitres: counts[of.value] * millilitres })));
    const both = counts[1] + counts[4], sum = 2 * both + counts[2] + counts[3];
    const text = document.createElement("p");
    text.textContent = sum ? `Dice of all labels together: ${((2 * both) / sum).toFixed(3)}` : "Neither has a label.";
    get("compared").replaceChildren(text);
    get("compare-end").hidden = false;
    App.say(`Compared. ${text.textContent}`);
  }

  // The results that the shown one can be compared with.
  function offer(current, version, jobs) {
    const options = jobs.filter((job) => job.state === "done").flatMap((job) => job.versions
      .filter((one) => job.id !== current.id || one.number !== version)
      .map((one) => new Option(job.id === current.id ? `Version ${one.number} of this job` : `${Jobs.title(job)}, ${job.model}, version ${one.number}`, `${job.id}/${one.number}`)));
    get("other").replaceChildren(...options);
    get("compare").disabled = !options.length;
    if (!options.length) get("other").replaceChildren(new Option("There is no other result", ""));
    clear();
  }

  function clear() {
    get("compared").replaceChildren();
    get("compare-end").hidden = true;
  }

  return { run, offer, clear };
})();
