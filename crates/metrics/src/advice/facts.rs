//! What references say about a structure: sizes, counts, shape.

use crate::bitmask::{Bits, Bounds};
use crate::lesions::Numbered;
use crate::surface::Membership;
use crate::thinning::skeleton;
use crate::topology::BettiNumbers;
use crate::{Result, Target};
use vesalius_control::Control;
use vesalius_filters::Connectivity;
use vesalius_volume::{Label, LabelMap};

/// Facts of one label or region over the references of a data set.
///
/// ```
/// use vesalius_metrics::{Target, TargetFacts};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 4, 1], [1.0, 1.0, 5.0])?;
/// let reference = LabelMap::<u16>::from_fn(grid, |[x, y, _]| u16::from(x != 2 && y < 2));
/// let mut facts = TargetFacts::new(&Target::of_value(1));
/// facts.add(&reference)?;
/// assert_eq!(facts.component_counts, [2]);
/// assert_eq!(facts.component_voxels, [4, 6]);
/// assert_eq!(facts.largest_share, [0.6]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TargetFacts {
    /// The label or region.
    pub target: Target,
    /// Cases that were looked at.
    pub cases: usize,
    /// Components in each case that has the structure.
    pub component_counts: Vec<usize>,
    /// Voxels of each component of all cases.
    pub component_voxels: Vec<u64>,
    /// For each case that has the structure, the share of it that its largest component holds.
    pub largest_share: Vec<f64>,
    /// Volume in ml in each case that has the structure.
    pub millilitres: Vec<f64>,
    /// For each case that has the structure, the share of its voxels that have a face to the background: how much of it
    /// the outline is.
    pub edge_share: Vec<f64>,
    /// For each case that has the structure, the length of its centre line over its mean radius, both in voxels, for
    /// one component: about 1 for balls, above 10 for tubes.
    pub elongation: Vec<f64>,
    /// Cases whose structure has tunnels or cavities.
    pub with_holes: usize,
    /// Share of all voxels that belong to the structure.
    pub foreground_share: f64,
    /// The largest spacing of an axis in mm that occurs, and the largest ratio of two axes' spacings in a case.
    pub spacing: [f64; 2],
    voxels: u64,
    foreground: u64,
}

impl TargetFacts {
    /// No case yet.
    pub fn new(target: &Target) -> Self {
        Self {
            target: target.clone(),
            cases: 0,
            component_counts: Vec::new(),
            component_voxels: Vec::new(),
            largest_share: Vec::new(),
            millilitres: Vec::new(),
            edge_share: Vec::new(),
            elongation: Vec::new(),
            with_holes: 0,
            foreground_share: 0.0,
            spacing: [0.0, 1.0],
            voxels: 0,
            foreground: 0,
        }
    }

    /// Cases that have the structure.
    pub fn present(&self) -> usize {
        self.component_counts.len()
    }

    /// Adds the reference of a case.
    ///
    /// # Errors
    /// [`crate::Error::Components`] for a mask with more runs of voxels than can be numbered.
    pub fn add<T: Label>(&mut self, reference: &LabelMap<T>) -> Result<()> {
        self.add_with(reference, &Control::new())
    }

    /// As [`TargetFacts::add`], cancelled between its steps.
    ///
    /// # Errors
    /// As [`TargetFacts::add`]; [`crate::Error::Cancelled`].
    pub fn add_with<T: Label>(&mut self, reference: &LabelMap<T>, control: &Control) -> Result<()> {
        control.check()?;
        let grid = reference.geometry();
        let spacing = grid.affine().column_lengths();
        let mask = Self::mask(reference, &self.target);
        self.cases += 1;
        self.voxels += grid.voxel_count() as u64;
        if let Some(mask) = mask {
            let components = Numbered::components(&mask, Connectivity::Corners)?;
            control.check()?;
            let betti = BettiNumbers::of_bits(&mask)?;
            control.check()?;
            let line = skeleton(&mask).count() as f64;
            let voxels = mask.count();
            let flat = mask.flat.contains(&true);
            self.foreground += voxels;
            self.elongation.push(elongation(
                line,
                voxels as f64,
                components.count() as f64,
                flat,
            ));
            self.edge_share
                .push(mask.edge().count() as f64 / voxels as f64);
            self.millilitres
                .push(voxels as f64 * grid.voxel_volume() / 1000.0);
            let largest = components.voxels.iter().copied().max().unwrap_or(0);
            self.largest_share.push(largest as f64 / voxels as f64);
            self.component_counts.push(components.count());
            self.component_voxels.extend(components.voxels);
            self.with_holes += usize::from(betti.tunnels + betti.cavities > 0);
        }
        self.foreground_share = self.foreground as f64 / self.voxels.max(1) as f64;
        let longest = spacing.into_iter().fold(0.0, f64::max);
        let shortest = spacing.into_iter().fold(f64::INFINITY, f64::min);
        self.spacing[0] = self.spacing[0].max(longest);
        // A single slice has no slices to be far apart.
        if !grid.size().contains(&1) {
            self.spacing[1] = self.spacing[1].max(longest / shortest);
        }
        Ok(())
    }

    /// The structure in the smallest box around it; `None` where there is none.
    fn mask<T: Label>(map: &LabelMap<T>, target: &Target) -> Option<Bits> {
        let grid = map.geometry();
        if grid.voxel_count() == 0 {
            return None;
        }
        let member = Membership::new(&target.labels);
        let build = |bounds| {
            Bits::build(grid.size(), bounds, |start, row| {
                let at = grid.offset(start);
                member.mark(&map.data()[at..at + row.len()], row);
            })
        };
        Some(build(build(Bounds::of(grid.size())).bounds()?))
    }
}

/// A tube of length L and radius r has π r² L voxels, a band in a slice 2 r L.
fn elongation(line: f64, voxels: f64, components: f64, flat: bool) -> f64 {
    let radius = match flat {
        true => voxels / line / 2.0,
        false => (voxels / line / std::f64::consts::PI).sqrt(),
    };
    line / components / radius.max(0.5)
}
