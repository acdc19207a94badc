//! Which function of nnU-Net's resamples, and with what arguments: from its plans to this crate's types.

use super::{AcrossMode, NnUnetInterpolation, TorchInterpolation, TorchLabels, TorchMode};
use serde_json::Value;
use vesalius_planning::nnunet::Resampling;

/// What is resampled, as the plans' keys name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resampled {
    /// Images.
    Data,
    /// Labels of a coarser stage.
    Seg,
    /// The network's output.
    Probabilities,
}

impl Resampled {
    fn key(self) -> &'static str {
        match self {
            Self::Data => "resampling_fn_data",
            Self::Seg => "resampling_fn_seg",
            Self::Probabilities => "resampling_fn_probabilities",
        }
    }

    fn order(self) -> u8 {
        match self {
            Self::Data => 3,
            Self::Seg | Self::Probabilities => 1,
        }
    }
}

const SPLINE: &str = "resample_data_or_seg_to_shape";
const TORCH: &str = "resample_torch_fornnunet";
const TORCH_SIMPLE: &str = "resample_torch_simple";
const NONE: &str = "no_resampling_hack";

/// The interpolation that a function and its arguments make; `None` where nothing is resampled.
pub(super) fn read(
    what: Resampled,
    function: Option<&str>,
    given: Option<&Resampling>,
) -> Result<Option<NnUnetInterpolation>, String> {
    let mut arguments = Arguments {
        what,
        given: given.cloned().unwrap_or_default().0,
    };
    let made = match function.unwrap_or(SPLINE) {
        SPLINE if given.is_none() => NnUnetInterpolation::of_order(what.order()),
        SPLINE => arguments.spline()?,
        TORCH => arguments.torch()?,
        TORCH_SIMPLE => arguments.torch_simple()?,
        NONE => {
            arguments.finish(NONE)?;
            return Ok(None);
        }
        other => {
            return Err(format!(
                "`{}` is `{other}`; only `{SPLINE}`, `{TORCH}`, `{TORCH_SIMPLE}` and `{NONE}` are known here",
                what.key()
            ));
        }
    };
    arguments.finish(function.unwrap_or(SPLINE))?;
    Ok(Some(made))
}

struct Arguments {
    what: Resampled,
    given: serde_json::Map<String, Value>,
}

impl Arguments {
    fn bad(&self, name: &str, found: &Value, expected: &str) -> String {
        let key = self.what.key();
        format!("`{key}_kwargs.{name}` is {found}; expected {expected}")
    }

    /// A value taken out, or the function's default.
    fn take<T>(
        &mut self,
        name: &str,
        default: T,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, String> {
        match self.given.remove(name) {
            None => Ok(default),
            Some(value) => read(&value).ok_or_else(|| self.bad(name, &value, expected)),
        }
    }

    /// Checks that `is_seg` fits what is resampled.
    fn is_seg(&mut self) -> Result<(), String> {
        let wanted = self.what == Resampled::Seg;
        let expected = if wanted { "true" } else { "false" };
        let found = self.take("is_seg", false, expected, Value::as_bool)?;
        match found == wanted {
            true => Ok(()),
            false => Err(self.bad("is_seg", &found.into(), expected)),
        }
    }

    fn order(&mut self, name: &str, default: u8) -> Result<u8, String> {
        let (known, expected): (&[u64], _) = match self.what {
            Resampled::Seg => (&[0, 1], "0 or 1"),
            _ => (&[0, 1, 3], "0, 1 or 3"),
        };
        let one = |value: &Value| value.as_u64().filter(|order| known.contains(order));
        Ok(self.take(name, u64::from(default), expected, one)? as u8)
    }

    /// `force_separate_z`: always, never, or (`null`) by the spacing.
    fn separate(&mut self, default: Option<bool>) -> Result<Option<bool>, String> {
        self.take(
            "force_separate_z",
            default,
            "true, false or null",
            |value| match value {
                Value::Null => Some(None),
                value => value.as_bool().map(Some),
            },
        )
    }

    fn anisotropy(&mut self) -> Result<f64, String> {
        let name = "separate_z_anisotropy_threshold";
        let above = |value: &Value| value.as_f64().filter(|limit| *limit > 0.0);
        self.take(name, 3.0, "a number above 0", above)
    }

    fn spline(&mut self) -> Result<NnUnetInterpolation, String> {
        self.is_seg()?;
        // The defaults of `resample_data_or_seg_to_shape` itself.
        Ok(NnUnetInterpolation {
            order: self.order("order", 3)?,
            across: self.order("order_z", 0)?,
            separate: self.separate(Some(false))?,
            anisotropy: self.anisotropy()?,
            torch: None,
        })
    }

    fn mode(&mut self, name: &str, default: TorchMode) -> Result<TorchMode, String> {
        let expected = "\"linear\", \"nearest\" or \"nearest-exact\"";
        self.take(name, default, expected, |value| match value.as_str()? {
            "linear" => Some(TorchMode::Linear),
            "nearest" => Some(TorchMode::Nearest),
            "nearest-exact" => Some(TorchMode::NearestExact),
            _ => None,
        })
    }

    /// The arguments of both of PyTorch's functions besides modes.
    fn torch_labels(&mut self) -> Result<TorchLabels, String> {
        self.is_seg()?;
        // The device and the number of threads are not taken from the plans.
        self.given.remove("num_threads");
        self.given.remove("device");
        let name = "memefficient_seg_resampling";
        Ok(
            match self.take(name, false, "true or false", Value::as_bool)? {
                true => TorchLabels::OverHalf,
                false => TorchLabels::Largest,
            },
        )
    }

    fn torch(&mut self) -> Result<NnUnetInterpolation, String> {
        let torch = TorchInterpolation {
            labels: self.torch_labels()?,
            planes: self.mode("mode", TorchMode::Linear)?,
            across: AcrossMode(self.mode("aniso_axis_mode", TorchMode::NearestExact)?),
            ..TorchInterpolation::default()
        };
        Ok(NnUnetInterpolation {
            separate: self.separate(None)?,
            anisotropy: self.anisotropy()?,
            torch: Some(torch),
            ..NnUnetInterpolation::of_order(1)
        })
    }

    fn torch_simple(&mut self) -> Result<NnUnetInterpolation, String> {
        let torch = TorchInterpolation {
            labels: self.torch_labels()?,
            whole: self.mode("mode", TorchMode::Linear)?,
            ..TorchInterpolation::default()
        };
        Ok(NnUnetInterpolation {
            separate: Some(false),
            torch: Some(torch),
            ..NnUnetInterpolation::of_order(1)
        })
    }

    /// Nothing may be left.
    fn finish(&self, function: &str) -> Result<(), String> {
        match self.given.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!(
                "`{}_kwargs` has `{name}`, which is no argument of `{function}`",
                self.what.key()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(what: Resampled, function: &str, json: &str) -> Result<NnUnetInterpolation, String> {
        let given: Resampling = serde_json::from_str(json).unwrap();
        read(what, Some(function), Some(&given)).map(|made| made.unwrap())
    }

    #[test]
    fn keys_that_are_absent_have_the_functions_own_defaults() {
        let spline = made(Resampled::Data, SPLINE, "{}").unwrap();
        // `resample_data_or_seg_to_shape(order=3, order_z=0, force_separate_z=False)`.
        assert_eq!(
            (spline.order, spline.across, spline.separate),
            (3, 0, Some(false))
        );
        let by_spacing = made(Resampled::Data, SPLINE, r#"{"force_separate_z": null}"#).unwrap();
        assert_eq!(by_spacing.separate, None);
        // `resample_torch_fornnunet(force_separate_z=None, mode='linear', aniso_axis_mode='nearest-exact')`.
        let torch = made(Resampled::Data, TORCH, "{}").unwrap();
        assert_eq!(
            (torch.separate, torch.torch),
            (None, Some(TorchInterpolation::default()))
        );
        let json =
            r#"{"is_seg": true, "order": 0, "order_z": 1, "separate_z_anisotropy_threshold": 2}"#;
        let seg = made(Resampled::Seg, SPLINE, json).unwrap();
        assert_eq!((seg.order, seg.across, seg.anisotropy), (0, 1, 2.0));
        assert_eq!(
            read(Resampled::Data, Some(NONE), Some(&Resampling::default())),
            Ok(None)
        );
    }

    #[test]
    fn what_is_not_known_is_named_with_what_is() {
        let says = |what, function, json: &str, words: &[&str]| {
            let message = made(what, function, json).unwrap_err();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        };
        says(
            Resampled::Data,
            "mine",
            "{}",
            &["resampling_fn_data", "`mine`", SPLINE, TORCH],
        );
        says(
            Resampled::Data,
            SPLINE,
            r#"{"order": 2}"#,
            &["order` is 2", "0, 1 or 3"],
        );
        says(
            Resampled::Seg,
            SPLINE,
            r#"{"is_seg": true, "order": 3}"#,
            &["0 or 1"],
        );
        says(Resampled::Seg, SPLINE, "{}", &["is_seg` is false", "true"]);
        says(
            Resampled::Probabilities,
            TORCH,
            r#"{"mode": "bicubic"}"#,
            &["bicubic", "nearest-exact"],
        );
        says(
            Resampled::Data,
            TORCH,
            r#"{"order": 3}"#,
            &["`order`", "no argument", TORCH],
        );
    }
}
