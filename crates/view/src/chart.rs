//! Curves as SVG text, for a page: losses and scores over epochs.

use crate::legend::{self, Stroke};
use crate::{Error, Result};
use plotters::prelude::*;

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Scale {
    /// Equal steps.
    #[default]
    Linear,
    /// Equal factors; values that are not positive are left out.
    Logarithmic,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Its points; what is not finite is left out.
    pub points: Vec<(f64, f64)>,
}

/// Places on the x-axis where something happened, drawn as dashed lines through the chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marks {
    /// What happened there, for the legend.
    pub name: String,
    /// Where; places outside of the curves are left out.
    pub places: Vec<f64>,
}

/// A chart of one or more curves.
///
/// ```
/// use vesalius_view::{Chart, Curve};
///
/// let loss = Curve { name: "loss".into(), points: vec![(1.0, 0.9), (2.0, 0.5), (3.0, 0.4)] };
/// let chart = Chart { title: "Training".into(), x: "epoch".into(), series: vec![loss], ..Chart::default() };
/// let svg = chart.svg()?;
/// assert!(svg.starts_with("<svg") && svg.contains("Training"));
/// // A chart without a finite point cannot be drawn.
/// assert!(Chart::default().svg().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The line above it.
    pub title: String,
    /// The label of the horizontal axis.
    pub x: String,
    /// The label of the vertical axis.
    pub y: String,
    /// The curves, in the colours of labels 1, 2, ….
    pub series: Vec<Curve>,
    /// Where something happened; nothing is drawn of it without places.
    pub marks: Marks,
    /// How the upward axis is divided.
    pub scale: Scale,
    /// Width and height in pixels; a legend of many curves makes the chart higher.
    pub size: [u32; 2],
}

impl Default for Chart {
    fn default() -> Self {
        Self {
            title: String::new(),
            x: String::new(),
            y: String::new(),
            series: Vec::new(),
            marks: Marks::default(),
            scale: Scale::Linear,
            size: [640, 320],
        }
    }
}

impl Chart {
    /// The chart as an `<svg>` element.
    ///
    /// # Errors
    /// [`Error::Chart`] when there is no finite point.
    pub fn svg(&self) -> Result<String> {
        let bad = |reason: String| Error::Chart {
            title: self.title.clone(),
            reason,
        };
        let curves: Vec<(&str, Vec<(f64, f64)>)> = self
            .series
            .iter()
            .map(|series| (series.name.as_str(), self.drawable(&series.points)))
            .collect();
        let points = || curves.iter().flat_map(|curve| &curve.1);
        let Some(x) = span(points().map(|p| p.0), 0.0) else {
            return Err(bad("it has no finite point".to_owned()));
        };
        let y = span(points().map(|p| p.1), 0.05).unwrap_or(0.0..1.0);
        let mut svg = String::new();
        self.plot(&mut svg, &curves, x, y)
            .map_err(|error| bad(error.to_string()))?;
        Ok(svg)
    }

    /// Finite points, in the units of the axis.
    fn drawable(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let on_axis = |&(x, y): &(f64, f64)| match self.scale {
            Scale::Linear => (x, y),
            Scale::Logarithmic => (x, y.log10()),
        };
        let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
        points.iter().map(on_axis).filter(finite).collect()
    }

    fn plot(
        &self,
        svg: &mut String,
        curves: &[(&str, Vec<(f64, f64)>)],
        x: std::ops::Range<f64>,
        y: std::ops::Range<f64>,
    ) -> std::result::Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let marked = |&&place: &&f64| x.contains(&place);
        let marks: Vec<f64> = self.marks.places.iter().filter(marked).copied().collect();
        let strokes = (0..).map(Stroke::of_curve);
        let names = curves.iter().map(|(name, _)| *name).zip(strokes);
        let of_marks = (!marks.is_empty()).then(|| (self.marks.name.as_str(), Stroke::of_marks()));
        let names: Vec<(&str, Stroke)> = names.chain(of_marks).collect();
        let words: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let room = legend::width(&words, self.size[0]);
        let [wide, mut high] = self.size;
        if room > 0 {
            high = high.max(legend::height(names.len()));
        }
        let root = SVGBackend::with_string(svg, (wide, high)).into_drawing_area();
        root.fill(&WHITE)?;
        let width = wide.saturating_sub(room);
        let (plot, beside) = root.split_horizontally(i32::try_from(width).unwrap_or(i32::MAX));
        let (low, top) = (y.start, y.end);
        let mut chart = ChartBuilder::on(&plot)
            .caption(&self.title, ("sans-serif", 17))
            .margin(10)
            .x_label_area_size(38)
            .y_label_area_size(58)
            .build_cartesian_2d(x, y)?;
        let upward = |value: &f64| match self.scale {
            Scale::Linear => tick(*value),
            Scale::Logarithmic => tick(10f64.powf(*value)),
        };
        chart
            .configure_mesh()
            .x_desc(&self.x)
            .y_desc(&self.y)
            .x_labels(8)
            .y_labels(10)
            .x_label_formatter(&|value| tick(*value))
            .y_label_formatter(&upward)
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 14))
            .bold_line_style(BLACK.mix(0.12))
            .light_line_style(TRANSPARENT)
            .draw()?;
        let area = chart.plotting_area();
        for place in marks {
            Stroke::of_marks().line(area, vec![(place, low), (place, top)])?;
        }
        for ((_, points), (_, stroke)) in curves.iter().zip(&names) {
            stroke.line(area, points.clone())?;
        }
        if room > 0 {
            legend::draw(&beside, &names)?;
        }
        root.present()
    }
}

/// From the least to the greatest value, with a margin; never an empty range.
fn span(values: impl Iterator<Item = f64>, room: f64) -> Option<std::ops::Range<f64>> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        return None;
    }
    let width = high - low;
    let room = if width > 0.0 { width * room } else { 0.5 };
    Some(low - room..high + room)
}

/// A number next to an axis, without digits of no significance.
fn tick(value: f64) -> String {
    let text = match value.abs() {
        0.0 => return "0".to_owned(),
        v if !(1e-4..1e5).contains(&v) => return format!("{value:.1e}").replace(".0e", "e"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_and_their_names_are_in_the_svg() {
        let series = |name: &str, f: fn(f64) -> f64| Curve {
            name: name.to_owned(),
            points: (0..50).map(|i| (f64::from(i), f(f64::from(i)))).collect(),
        };
        let mut chart = Chart {
            title: "loss <of> fold 0".into(),
            series: vec![
                series("training", |x| 1.0 / (1.0 + x)),
                series("validation", |x| {
                    if x == 3.0 { f64::NAN } else { 1.2 / (1.0 + x) }
                }),
            ],
            ..Chart::default()
        };
        let svg = chart.svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("training") && svg.contains("validation"));
        assert!(svg.contains("&lt;of&gt;") && !svg.contains("NaN"));
        chart.scale = Scale::Logarithmic;
        assert!(!chart.svg().unwrap().contains("NaN"));
        chart.marks = Marks {
            name: "counted again".into(),
            places: vec![12.0, 500.0],
        };
        let marked = chart.svg().unwrap();
        assert!(marked.contains("counted again") && marked.len() > svg.len());
        chart.series.clear();
        assert!(chart.svg().unwrap_err().to_string().contains("fold 0"));
    }

    #[test]
    fn ticks_are_short() {
        let ticks = [0.0, 5e-4, 0.25, 1.0, 12.5, 250.0, 250_000.0, 1e-6].map(tick);
        let short = ["0", "0.0005", "0.25", "1", "12.5", "250", "2.5e5", "1e-6"];
        assert_eq!(ticks, short);
    }
}
