//! What was decided where a file or a dataset was ambiguous, contradictory or incomplete.
//!
//! Results carry these with their values: a [`crate::Volume`] what reading its file decided, an evaluation
//! which cases it left out. The command prints each once per file; a caller may turn any into an error.

mod sentences;

use sentences::{counted_as, is_or_are, validation_cut_off, validations_cut};
use serde::{Deserialize, Deserializer, Serialize};
use std::path::PathBuf;

/// A decision that was made, or data that was left out, with the facts a caller needs to judge it.
///
/// Serialised as an object with `kind` and the fields of the variant; a number that is not finite is
/// `null` there, and NaN when it is read again.
///
/// ```
/// use vesalius_volume::{Geometry, Volume, Warning};
///
/// let assumed = Warning::AxisSpacingAssumed { axis: 2, found: "0".into(), spacing: 1.0 };
/// assert_eq!(assumed.to_string(), "the spacing along axis 2 is 0; 1 mm is taken");
///
/// // A volume carries what was decided on reading it.
/// let grid = Geometry::axis_aligned([4, 4, 1], [1.0; 3])?;
/// let volume = Volume::filled(grid, 0.0_f32).with_warnings([assumed.clone()]);
/// assert_eq!(volume.warnings(), [assumed]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// A warning that reading one of several files gave.
    #[error("{path}: {warning}", path = path.display())]
    OfFile {
        /// The file.
        path: PathBuf,
        /// What was decided.
        warning: Box<Warning>,
    },
    /// A NIfTI sform cannot be used; the position is that of the qform.
    #[error("the sform is not usable ({reason}); the position is that of the qform")]
    SformUnusable {
        /// What is wrong with it.
        reason: String,
    },
    /// A NIfTI file's qform and sform place the voxels differently; the position is that of one of them.
    #[error(
        "sform (code {sform_code}) and qform (code {qform_code}) lie up to {apart:.3} mm apart and are turned by {degrees:.2}°; the position is that of the {taken}, and programs that take the other show it elsewhere"
    )]
    FormsDisagree {
        /// `sform_code` of the header.
        sform_code: i32,
        /// `qform_code` of the header.
        qform_code: i32,
        /// The largest distance between the two positions of a corner voxel, mm.
        apart: f64,
        /// The largest angle between axes of the same number, degrees.
        #[serde(default)]
        degrees: f64,
        /// The form whose position was taken: `sform` or `qform`.
        #[serde(default)]
        taken: String,
    },
    /// The quaternion of a NIfTI qform is longer than 1; it was divided by its length.
    #[error(
        "the quaternion of the qform has length {length}, expected at most 1; it was normalised"
    )]
    QuaternionNormalised {
        /// Length of its part b, c, d.
        length: f64,
    },
    /// The header gives no unit of length; millimetres were taken.
    #[error("the unit of length is not given (code {code}); lengths are taken as millimetres")]
    UnitMissing {
        /// The code in the header.
        code: i32,
    },
    /// The header's scaling slope is 0, or slope or intercept are not finite; stored values were taken
    /// as they are.
    #[error(
        "the scaling (slope {slope}, intercept {intercept}) means none: stored values are taken as they are"
    )]
    NoScaling {
        /// The slope in the header.
        #[serde(deserialize_with = "number_or_nan")]
        slope: f64,
        /// The intercept in the header.
        #[serde(deserialize_with = "number_or_nan")]
        intercept: f64,
    },
    /// A DICOM rescale slope or intercept is no usable number; others were taken.
    #[error("{attribute} is `{found}` in {frames}, which is not usable; {taken} is taken", frames = counted_as(*frames as u64, ["slice", "slices"]))]
    ScalingReplaced {
        /// The attribute.
        attribute: String,
        /// What it holds in the first of these slices.
        found: String,
        /// The number taken instead.
        taken: f64,
        /// In how many slices.
        frames: usize,
    },
    /// The file gives no position of its voxels; the caller's spacing was taken.
    #[error(
        "the file does not say where its voxels lie ({found}); the spacing given, {spacing:?} mm, is taken, with the axes of the world"
    )]
    SpacingAssumed {
        /// The spacing that the caller gave, mm.
        spacing: [f64; 3],
        /// What the file holds instead.
        found: String,
    },
    /// The spacing along one axis is 0, negative or missing; another one was taken.
    #[error("the spacing along axis {axis} is {found}; {spacing} mm is taken")]
    AxisSpacingAssumed {
        /// The axis: 0, 1 or 2 for x, y or z.
        axis: usize,
        /// What the header holds.
        found: String,
        /// The spacing taken, mm.
        spacing: f64,
    },
    /// Origin or direction are missing; the world's origin or axes were taken.
    #[error("{missing} is missing; the {taken} is taken")]
    PositionAssumed {
        /// The field that is missing.
        missing: String,
        /// What was taken instead.
        taken: String,
    },
    /// The distance between slices is the number of another attribute: there is one slice, or only the place of the first.
    #[error("no distance between slices is given: {attribute} ({spacing} mm) is taken")]
    ThicknessAsSpacing {
        /// Where the number comes from.
        attribute: String,
        /// The distance, mm.
        spacing: f64,
    },
    /// SeriesTime of a PET series lies after its acquisition, so that decay is counted to another time for SUV.
    #[error(
        "SeriesTime lies after the acquisition, so that the series was reconstructed later; decay is counted to {seconds} s before it, which is {origin}"
    )]
    DecayTimeDerived {
        /// How long before SeriesTime, seconds.
        seconds: f64,
        /// Where that time comes from.
        origin: String,
    },
    /// The byte order of values of several bytes is not given; little-endian was taken.
    #[error("the byte order is not given; little-endian is taken")]
    ByteOrderAssumed,
    /// A field that changes the meaning of values or lengths is not applied.
    #[error("{field} is `{value}`, which is not applied")]
    FieldIgnored {
        /// The field of the header.
        field: String,
        /// What it holds.
        value: String,
    },
    /// A DICOM image in which low values are bright (MONOCHROME1).
    #[error(
        "PhotometricInterpretation is MONOCHROME1, so that low values are bright: {}",
        if *inverted { "the values were inverted within the stored range" } else { "the values are taken as stored, not inverted" }
    )]
    LowValuesBright {
        /// Whether the values were inverted.
        inverted: bool,
    },
    /// A field whose meaning the format leaves open was taken as one of several.
    #[error("{field} is `{value}`, which may mean several things; it is taken as {taken}")]
    FieldTakenAs {
        /// The field of the header.
        field: String,
        /// What it holds.
        value: String,
        /// What it was taken as.
        taken: String,
    },
    /// The file holds data after the voxels that the header describes; they are not read.
    #[error("{bytes} the voxels that the header announces in {file} and {are} not read", bytes = counted_as(*bytes, ["byte follows", "bytes follow"]), are = is_or_are(*bytes), file = file.display())]
    SurplusData {
        /// The file with the voxels.
        file: PathBuf,
        /// How many bytes.
        bytes: u64,
    },
    /// DICOM slices at unequal gaps, or with gaps where slices are missing, were interpolated.
    #[error(
        "{files} slices at gaps from {smallest:.4} to {largest:.4} mm were interpolated to {slices} at equal gaps"
    )]
    SlicesInterpolated {
        /// Slices that there are.
        files: usize,
        /// Slices of the volume.
        slices: usize,
        /// Smallest gap, mm.
        smallest: f64,
        /// Largest gap, mm.
        largest: f64,
    },
    /// Contours of a structure enclose no area of the image and are not in the label map.
    #[error("{count} of `{structure}` {are} not in the label map: {reason}", count = counted_as(*count as u64, ["contour", "contours"]), are = is_or_are(*count as u64))]
    ContoursLeftOut {
        /// The name of the structure.
        structure: String,
        /// How many.
        count: usize,
        /// What they are, or why.
        reason: String,
    },
    /// A DICOM file that was read by itself is one slice of a series whose other slices are in its folder.
    #[error(
        "this is one slice of a DICOM series, whose other slices stand beside it; give the folder {} for the whole volume",
        folder.display()
    )]
    OneSliceOfSeries {
        /// The folder.
        folder: PathBuf,
    },
    /// DICOM frames share places, and nothing but their InstanceNumbers tells them apart.
    #[error(
        "{frames} frames share places, and neither echo, diffusion, type, kernel, acquisition nor time tells them apart: they were separated into {parts} volumes by the order of their InstanceNumbers"
    )]
    PartsByInstanceNumber {
        /// Volumes that were made.
        parts: usize,
        /// Frames of all of them.
        frames: usize,
    },
    /// A model's rule, or the name of its channel, chose one of several DICOM series.
    #[error("channel {channel} is read from series {series}, the only one that is {rule}")]
    SeriesChosen {
        /// The channel of the model.
        channel: String,
        /// What was looked for.
        rule: String,
        /// The series that was taken.
        series: String,
    },
    /// No voxel has a label, so that a DICOM object of the labels was not written.
    #[error("no voxel has a label: no {object} was written")]
    NothingToWrite {
        /// What was asked for.
        object: String,
    },
    /// A volume of a DICOM series has fewer slices than others of the same series, as the last of a scan that was stopped.
    #[error("this volume has {slices} slices, others of its series have up to {most}")]
    FewerSlices {
        /// Its slices.
        slices: usize,
        /// The most slices of a volume of the series.
        most: usize,
    },
    /// The axes are not at right angles: the shear of a tilted gantry is kept in the affine.
    #[error("the stack leans by {degrees:.2}°; the shear is kept in the affine")]
    ShearKept {
        /// Angle between the stack's axis and the slice normal.
        degrees: f64,
    },
    /// The stack leaned, because the gantry was tilted: its slices were moved within their planes.
    #[error(
        "the stack leans by {degrees:.2}°; its slices were moved within their planes, linear between voxels, so that the axes are at right angles"
    )]
    TiltResampled {
        /// Angle between the stack's axis and the slice normal.
        degrees: f64,
    },
    /// The axes were not at right angles; the nearest ones that are were written.
    #[error(
        "the direction was replaced by the nearest one at right angles: voxels lie up to {apart:.3} mm from their place"
    )]
    ShearDropped {
        /// The largest distance of a corner voxel from its place, mm.
        apart: f64,
    },
    /// A result was changed since it was written; it was kept under another name and made again.
    #[error("{} was changed since it was written; it is kept as {} and made again", file.display(), kept.display())]
    ResultChanged {
        /// The result.
        file: PathBuf,
        /// Where the changed file is now.
        kept: PathBuf,
    },
    /// Files that may belong to the image were skipped.
    #[error("{count} left out ({reason}); the first: {first}", count = counted_as(*count as u64, ["file was", "files were"]), first = first.display())]
    FilesLeftOut {
        /// How many.
        count: usize,
        /// The first of them.
        first: PathBuf,
        /// Why.
        reason: String,
    },
    /// DICOM files beside the image are no part of it: other series, in colour, broken, reports.
    #[error("{count} passed over; the first: {first} ({reason})", count = counted_as(*count as u64, ["DICOM file beside the image was", "DICOM files beside the image were"]), first = first.display())]
    FilesPassedOver {
        /// How many.
        count: usize,
        /// The first of them.
        first: PathBuf,
        /// Why.
        reason: String,
    },
    /// Exact copies of files of a DICOM series were left out.
    #[error("{count} left out; the first: {dropped}, which is the same as {kept}", count = counted_as(*count as u64, ["file is an exact copy of another and was", "files are exact copies of others and were"]), dropped = dropped.display(), kept = kept.display())]
    CopiesDropped {
        /// How many.
        count: usize,
        /// The first of them.
        dropped: PathBuf,
        /// The file of which it is a copy.
        kept: PathBuf,
    },
    /// A model's description, written before checksums were, names none for a member's weights.
    #[error(
        "the description of the model has no checksum for member `{member}`, so that damage to {path} would not be seen; `convert_model` writes the folder again with one"
    )]
    NoChecksum {
        /// The file of weights.
        path: std::path::PathBuf,
        /// The member.
        member: String,
    },
    /// A label that no training case has: the network cannot learn it.
    #[error(
        "no training case has a voxel of `{name}` (label {}), so it cannot be learnt; check `labels` and the fold",
        listed(values)
    )]
    LabelInNoCase {
        /// Its name.
        name: String,
        /// Its values in label maps.
        values: Vec<u16>,
    },
    /// Patches are to be drawn around a class that no case to train on has.
    #[error(
        "`patch.sampling` gives `{name}` (label {}) the weight {weight}, but no training case has it: its share of the patches goes to the other classes",
        listed(values)
    )]
    SampledClassInNoCase {
        /// Its name.
        name: String,
        /// Its values in label maps.
        values: Vec<u16>,
        /// Its weight.
        weight: f64,
    },
    /// Patches came from cases that lack what the sampling prefers.
    #[error(
        "{patches} of {of} patches came from cases without `{name}`, which `patch.sampling` prefers: they were cut elsewhere"
    )]
    SampledElsewhere {
        /// What those cases lack.
        name: String,
        /// Patches from cases without it.
        patches: u64,
        /// Patches in all.
        of: u64,
    },
    /// The time limit is too short for the validations in a config.
    #[error("{}", validations_cut(*times, *of_times, *units, *of, unit, *side_by_side))]
    ValidationsCut {
        /// Validations that are made.
        times: u64,
        /// Validations in the config.
        of_times: u64,
        /// What each of them scores.
        units: usize,
        /// What it would score.
        of: usize,
        /// What that is: `held-out cases` or `patches`.
        unit: String,
        /// Whether windows do not overlap.
        side_by_side: bool,
    },
    /// A validation was ended early to keep the run's time limit.
    #[error("{}", validation_cut_off(*done, *of))]
    ValidationCutOff {
        /// Cases or patches that were scored.
        done: usize,
        /// Cases or patches that it was to score.
        of: usize,
    },
    /// Weights to start from do not all fit the network.
    #[error("of {} not everything fits and first values stay in its place: {mismatch}", path.display())]
    WeightsPartlyLoaded {
        /// The weights.
        path: PathBuf,
        /// What does not fit.
        mismatch: String,
    },
    /// A preprocessed case on disk could not be used and was made again.
    #[error("case {case}: the cache entry {} {reason}; it was made again", path.display())]
    CacheEntryRemade {
        /// The case.
        case: String,
        /// The entry.
        path: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// A run continues with cases whose files changed since its start.
    #[error(
        "the files or the preprocessing of {} changed since this run began: what it learns from now on is of the new ones",
        cases.join(", ")
    )]
    TrainingCasesChanged {
        /// The cases.
        cases: Vec<String>,
    },
    /// A plan is no longer what was planned: it was changed by hand, or damaged.
    #[error("{} was changed since it was planned; it is used as it is now", path.display())]
    PlanEdited {
        /// The plan's file.
        path: PathBuf,
    },
    /// A finished training run was made from another plan, other data or by another version than there are now.
    #[error(
        "{algorithm} on fold {fold} was trained before its {} changed; its result stands. To train what there is now, give the plan another name",
        changed.join(" and ")
    )]
    RunOutdated {
        /// The algorithm.
        algorithm: String,
        /// The fold.
        fold: usize,
        /// What changed: `plan`, `data`.
        changed: Vec<String>,
    },
    /// The held-out cases of a run were not all scored, or not with all that its model does.
    #[error(
        "{algorithm} on fold {fold}: {done} of {of} held-out cases were scored in the time there was{}; more minutes score all",
        if *quick { ", without mirrors and overlap" } else { "" }
    )]
    HeldOutCut {
        /// The algorithm.
        algorithm: String,
        /// The fold.
        fold: usize,
        /// Cases that were scored.
        done: usize,
        /// Cases held out.
        of: usize,
        /// Whether they were segmented by windows without overlap and without mirrors.
        quick: bool,
    },
    /// Runs were not started because the time limit was reached.
    #[error("no time was left for {count} of {of} runs; they are made when this is run again")]
    RunsLeftOut {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
    },
    /// Files of cases changed since the work with them began.
    #[error(
        "the files of {} have changed since this work began; the dataset is checked again",
        cases.join(", ")
    )]
    CasesChanged {
        /// The cases.
        cases: Vec<String>,
    },
    /// A search's record lacks trials that were started.
    #[error("{} no longer has {lost} of the trials that were begun; they are made again", path.display())]
    TrialsLost {
        /// The record.
        path: PathBuf,
        /// How many it lacks.
        lost: usize,
    },
    /// An attribute that a DICOM object must have and its source does not.
    #[error("the source does not say {attribute}, which the result must; `{value}` is written")]
    AttributeAssumed {
        /// The attribute's keyword.
        attribute: String,
        /// The value that was taken.
        value: String,
    },
    /// Values were rounded to integers of 16 bits.
    #[error(
        "the values are stored as integers times {slope}: the largest difference from what was given is {largest_error}"
    )]
    ValuesRounded {
        /// The step between stored values.
        slope: f64,
        /// The largest difference.
        largest_error: f64,
    },
    /// Real numbers that are all whole and few: an image by their type, though many programs store label maps so.
    #[error(
        "its values are stored as real numbers and taken as an image, but all are whole and only {values} differ: if they are labels, set the `FileKind` of the file, so that they are not mixed"
    )]
    MayBeLabels {
        /// How many different values there are.
        values: usize,
    },
    /// A volume that is to be in the frame of reference of a series lies mostly beside it.
    #[error(
        "the middle of the volume lies {distance:.1} mm outside of the series that it is said to come from; check that it is the right one"
    )]
    MostlyElsewhere {
        /// Distance of the volume's centre from the series' box, mm.
        distance: f64,
    },
    /// Labels were brought to the frames of a series by their nearest labels.
    #[error(
        "the labels were brought to the source's frames by the nearest label ({difference}); {lost} labelled voxels lie on no frame"
    )]
    LabelsToSource {
        /// How the grids differ.
        difference: String,
        /// Labelled voxels that no pixel of the source took.
        lost: u64,
    },
    /// A segment without a code of a terminology.
    #[error(
        "no code of SNOMED CT is known for `{name}`: it has the private code {code}, which other programs show by its name only; describe the segments with their codes"
    )]
    PrivateCode {
        /// The segment's name.
        name: String,
        /// Its code.
        code: String,
    },
    /// A measurement is not in a report.
    #[error("{what} is not in the report: {reason}")]
    MeasurementLeftOut {
        /// Which measurement of which segment.
        what: String,
        /// Why.
        reason: String,
    },
    /// A kind of object that common programs do not read.
    #[error("{what}: {who}")]
    FewReaders {
        /// What was written.
        what: String,
        /// Which programs do not read it.
        who: String,
    },
    /// A reference has no prediction.
    #[error("case {case} has a reference and no prediction: everything in it counts as missed")]
    ReferenceWithoutPrediction {
        /// The case.
        case: String,
    },
    /// A prediction has no reference.
    #[error("case {case} has a prediction and no reference: it is not scored")]
    PredictionWithoutReference {
        /// The case.
        case: String,
    },
    /// A prediction lay on another grid than its reference and was resampled to it, label by label.
    #[error(
        "case {case}: the prediction was brought to the reference's grid by its nearest labels ({difference})"
    )]
    PredictionResampled {
        /// The case.
        case: String,
        /// How the grids differ.
        difference: String,
    },
    /// A label or region occurs in no reference and in no prediction, so that no mean includes it.
    #[error(
        "label {label} occurs in no reference and in no prediction: it is left out of every mean"
    )]
    NothingToScore {
        /// The label's value or the region's name.
        label: String,
    },
    /// A group of few cases.
    #[error(
        "the group {group} of {property} has {cases}: below 20 its mean says little about others like it",
        cases = counted_as(*cases as u64, ["case", "cases"])
    )]
    SmallGroup {
        /// The property by which cases are grouped.
        property: String,
        /// The group.
        group: String,
        /// How many cases it has.
        cases: usize,
    },
    /// Cases that belong to no group of a property.
    #[error(
        "{cases} no {property} and {belong} to none of its groups",
        cases = counted_as(*cases as u64, ["case has", "cases have"]),
        belong = if *cases == 1 { "belongs" } else { "belong" }
    )]
    WithoutGroup {
        /// The property.
        property: String,
        /// How many cases.
        cases: usize,
    },
    /// A measure has no value in cases that others count.
    #[error(
        "{measure} of label {label} has no value in {cases} left out of its mean",
        cases = counted_as(*cases as u64, ["case, which is", "cases, which are"])
    )]
    LeftOutOfMean {
        /// The label's value or the region's name.
        label: String,
        /// The measure.
        measure: String,
        /// How many cases.
        cases: usize,
    },
    /// The trainer is not one of nnU-Net's own; the network of the plans was built, and loading its weights
    /// shows whether it fits.
    #[error(
        "the trainer `{trainer}` is not one of nnU-Net's own; what it changes in preprocessing or prediction is not known, and the plans' network is used as they describe it"
    )]
    UnknownTrainer {
        /// Its name.
        trainer: String,
    },
    /// Something that was assumed, chosen or left out of a MONAI bundle.
    #[error("{note}")]
    OfBundle {
        /// What it was.
        note: String,
    },
    /// A file of weights holds the network several times, such as with an average of its weights beside it.
    #[error(
        "{}: the network's weights are there {} times; those under `{taken}` are taken, not those under {}",
        path.display(),
        others.len() + 1,
        others.join(", ")
    )]
    WeightsChosen {
        /// The file.
        path: PathBuf,
        /// What the names of those that were taken begin with.
        taken: String,
        /// What those of the others begin with.
        others: Vec<String>,
    },
    /// A checkpoint allows mirroring along an axis that its network does not have.
    #[error(
        "the checkpoint allows mirroring along axis {axis}, which a network of {dimensions} dimensions does not have; it is left out"
    )]
    MirrorAxisIgnored {
        /// The axis as the file has it.
        axis: String,
        /// Dimensions of the network.
        dimensions: usize,
    },
    /// The models of an ensemble have different postprocessing, so that none is applied.
    #[error(
        "{} do not have the same postprocessing: none is applied to what they answer together", models.join(", ")
    )]
    PostprocessingDropped {
        /// The models.
        models: Vec<String>,
    },
    /// A member of a union of models was not run, as what it depends on is not in the image.
    #[error("member `{member}` was not run: {reason}")]
    MemberNotRun {
        /// The member.
        member: String,
        /// What is not there.
        reason: String,
    },
    /// nnU-Net found a postprocessing for these folds, which is not part of prediction, and is not applied.
    #[error(
        "{path} holds a postprocessing that was found on cross-validation and is not applied; copy it beside plans.json to have it applied"
    )]
    PostprocessingNotApplied {
        /// The file.
        path: String,
    },
}

fn number_or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

fn listed(values: &[u16]) -> String {
    let each: Vec<String> = values.iter().map(u16::to_string).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_an_object_with_its_kind() {
        let warning = Warning::SurplusData {
            file: "a.nii".into(),
            bytes: 7,
        };
        let json = serde_json::to_value(&warning).unwrap();
        assert_eq!(json["kind"], "surplus_data");
        assert_eq!(json["bytes"], 7);
        assert!(warning.to_string().starts_with("7 bytes follow"));
        let nothing = Warning::NoScaling {
            slope: f64::NAN,
            intercept: 0.0,
        };
        assert!(serde_json::to_value(&nothing).unwrap()["slope"].is_null());
    }
}
