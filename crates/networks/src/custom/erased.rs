//! Burn's `Module`, `ModuleVisitor` and `ModuleMapper` in forms that trait objects can have: their methods are generic
//! over a tensor's rank, so that a parameter passes as [`Any`] together with its rank.

use super::NetworkModule;
use burn::module::{Devices, Flag, ModuleMapper, ModuleVisitor, Param};
use std::any::Any;
use std::fmt::Debug;
use vesalius_tensor::{Device, Int, Tensor};

/// The highest rank that a parameter may have; [`super::checked`] refuses those above.
pub(super) const HIGHEST_RANK: usize = 8;

/// A parameter of any rank: `Param<Tensor<D>>` or its `Int` and `Bool` forms.
type AnyParam = Box<dyn Any>;
type Bools<const D: usize> = Tensor<D, burn::tensor::Bool>;

/// [`NetworkModule`] without its type.
pub(super) trait Erased: Send + Sync + Debug {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>>;
    fn copied(&self) -> Box<dyn Erased>;
    fn devices_with(&self, devices: Devices) -> Devices;
    fn forked(self: Box<Self>, device: &Device) -> Box<dyn Erased>;
    fn moved(self: Box<Self>, device: &Device) -> Box<dyn Erased>;
    fn trained(self: Box<Self>) -> Box<dyn Erased>;
    fn validated(&self) -> Box<dyn Erased>;
    fn materialized(self: Box<Self>) -> Box<dyn Erased>;
    fn visited(&self, visitor: &mut ToVisitor<'_>);
    fn mapped(self: Box<Self>, mapper: &mut ToMapper<'_>) -> Box<dyn Erased>;
}

impl<M: NetworkModule> Erased for M {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        NetworkModule::forward(self, input)
    }

    fn copied(&self) -> Box<dyn Erased> {
        Box::new(self.clone())
    }

    fn devices_with(&self, devices: Devices) -> Devices {
        self.collect_devices(devices)
    }

    fn forked(self: Box<Self>, device: &Device) -> Box<dyn Erased> {
        Box::new((*self).fork(device))
    }

    fn moved(self: Box<Self>, device: &Device) -> Box<dyn Erased> {
        Box::new((*self).to_device(device))
    }

    fn trained(self: Box<Self>) -> Box<dyn Erased> {
        Box::new((*self).train())
    }

    fn validated(&self) -> Box<dyn Erased> {
        Box::new(self.valid())
    }

    fn materialized(self: Box<Self>) -> Box<dyn Erased> {
        Box::new((*self).materialize())
    }

    fn visited(&self, visitor: &mut ToVisitor<'_>) {
        self.visit(visitor);
    }

    fn mapped(self: Box<Self>, mapper: &mut ToMapper<'_>) -> Box<dyn Erased> {
        Box::new((*self).map(mapper))
    }
}

/// Calls a method of every rank for a parameter whose rank is a number.
macro_rules! by_rank {
    ($rank:expr, $call:ident) => {
        match $rank {
            1 => $call!(1),
            2 => $call!(2),
            3 => $call!(3),
            4 => $call!(4),
            5 => $call!(5),
            6 => $call!(6),
            7 => $call!(7),
            _ => $call!(8),
        }
    };
}

/// `ModuleVisitor` for parameters of any rank.
pub(super) trait ErasedVisitor {
    fn float(&mut self, rank: usize, param: &dyn Any);
    fn int(&mut self, rank: usize, param: &dyn Any);
    fn bool(&mut self, rank: usize, param: &dyn Any);
    fn flag(&mut self, flag: &Param<Flag>);
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
}

impl<V: ModuleVisitor> ErasedVisitor for V {
    fn float(&mut self, rank: usize, param: &dyn Any) {
        macro_rules! visit {
            ($rank:literal) => {
                if let Some(param) = param.downcast_ref::<Param<Tensor<$rank>>>() {
                    self.visit_float(param);
                }
            };
        }
        by_rank!(rank, visit)
    }

    fn int(&mut self, rank: usize, param: &dyn Any) {
        macro_rules! visit {
            ($rank:literal) => {
                if let Some(param) = param.downcast_ref::<Param<Tensor<$rank, Int>>>() {
                    self.visit_int(param);
                }
            };
        }
        by_rank!(rank, visit)
    }

    fn bool(&mut self, rank: usize, param: &dyn Any) {
        macro_rules! visit {
            ($rank:literal) => {
                if let Some(param) = param.downcast_ref::<Param<Bools<$rank>>>() {
                    self.visit_bool(param);
                }
            };
        }
        by_rank!(rank, visit)
    }

    fn flag(&mut self, flag: &Param<Flag>) {
        self.visit_flag(flag);
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.exit_module(name, container);
    }
}

/// Hands a module's parameters to an [`ErasedVisitor`].
pub(super) struct ToVisitor<'a>(pub &'a mut dyn ErasedVisitor);

impl ModuleVisitor for ToVisitor<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.float(D, param);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.int(D, param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Bools<D>>) {
        self.0.bool(D, param);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.flag(flag);
    }

    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }
}

/// `ModuleMapper` for parameters of any rank; a parameter of unknown type is returned unchanged.
pub(super) trait ErasedMapper {
    fn float(&mut self, rank: usize, param: AnyParam) -> AnyParam;
    fn int(&mut self, rank: usize, param: AnyParam) -> AnyParam;
    fn bool(&mut self, rank: usize, param: AnyParam) -> AnyParam;
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag>;
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
}

impl<M: ModuleMapper> ErasedMapper for M {
    fn float(&mut self, rank: usize, param: AnyParam) -> AnyParam {
        macro_rules! map {
            ($rank:literal) => {
                match param.downcast::<Param<Tensor<$rank>>>() {
                    Ok(param) => Box::new(self.map_float(*param)),
                    Err(param) => param,
                }
            };
        }
        by_rank!(rank, map)
    }

    fn int(&mut self, rank: usize, param: AnyParam) -> AnyParam {
        macro_rules! map {
            ($rank:literal) => {
                match param.downcast::<Param<Tensor<$rank, Int>>>() {
                    Ok(param) => Box::new(self.map_int(*param)),
                    Err(param) => param,
                }
            };
        }
        by_rank!(rank, map)
    }

    fn bool(&mut self, rank: usize, param: AnyParam) -> AnyParam {
        macro_rules! map {
            ($rank:literal) => {
                match param.downcast::<Param<Bools<$rank>>>() {
                    Ok(param) => Box::new(self.map_bool(*param)),
                    Err(param) => param,
                }
            };
        }
        by_rank!(rank, map)
    }

    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.map_flag(flag)
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.exit_module(name, container);
    }
}

/// Hands a module's parameters to an [`ErasedMapper`].
pub(super) struct ToMapper<'a>(pub &'a mut dyn ErasedMapper);

/// The parameter in its own type: what a mapper returns is what it was given.
fn back<P: 'static>(param: AnyParam) -> P {
    *param
        .downcast::<P>()
        .expect("a mapper returns a parameter of the type that it was given")
}

impl ModuleMapper for ToMapper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        back(self.0.float(D, Box::new(param)))
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        back(self.0.int(D, Box::new(param)))
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Bools<D>>) -> Param<Bools<D>> {
        back(self.0.bool(D, Box::new(param)))
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.flag(flag)
    }

    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }
}
