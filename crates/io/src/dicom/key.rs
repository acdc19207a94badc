//! The attributes by which frames can be told apart.

/// An attribute that distinguishes frames. The order is that of names made of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    BValue,
    Direction,
    ImageType,
    Component,
    EchoTime,
    EchoNumber,
    Kernel,
    InversionTime,
    FlipAngle,
    Kvp,
    SequenceName,
    StackId,
    EnergyWindow,
    RrInterval,
    TimeSlot,
    Station,
    CardiacPhase,
    TemporalPosition,
    TriggerTime,
    AcquisitionNumber,
    ReferenceTime,
    AcquisitionTime,
    ContentTime,
    InstanceNumber,
    /// Seconds from the first volume; for the time step alone.
    TemporalOffset,
    /// In ms; for the time step alone.
    TemporalResolution,
    /// In ms; for the time step alone.
    RepetitionTime,
}

impl Key {
    /// The standard's keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::BValue => "DiffusionBValue",
            Self::Direction => "DiffusionGradientOrientation",
            Self::ImageType => "ImageType",
            Self::Component => "ComplexImageComponent",
            Self::EchoTime => "EchoTime",
            Self::EchoNumber => "EchoNumbers",
            Self::Kernel => "ConvolutionKernel",
            Self::InversionTime => "InversionTime",
            Self::FlipAngle => "FlipAngle",
            Self::Kvp => "KVP",
            Self::SequenceName => "SequenceName",
            Self::StackId => "StackID",
            Self::EnergyWindow => "EnergyWindowVector",
            Self::RrInterval => "RRIntervalVector",
            Self::TimeSlot => "TimeSlotVector",
            Self::Station => "ImagePositionPatient",
            Self::CardiacPhase => "NominalPercentageOfCardiacPhase",
            Self::TemporalPosition => "TemporalPositionIdentifier",
            Self::TriggerTime => "TriggerTime",
            Self::AcquisitionNumber => "AcquisitionNumber",
            Self::ReferenceTime => "FrameReferenceTime",
            Self::AcquisitionTime => "AcquisitionTime",
            Self::ContentTime => "ContentTime",
            Self::InstanceNumber => "InstanceNumber",
            Self::TemporalOffset => "TemporalPositionTimeOffset",
            Self::TemporalResolution => "TemporalResolution",
            Self::RepetitionTime => "RepetitionTime",
        }
    }

    /// Whether frames of one volume may differ in it: each slice has its own time.
    pub fn is_of_slices(self) -> bool {
        matches!(
            self,
            Self::TriggerTime
                | Self::ReferenceTime
                | Self::AcquisitionTime
                | Self::ContentTime
                | Self::InstanceNumber
        )
    }
}
