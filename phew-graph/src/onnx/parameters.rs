//! Tensors of the file as parameters: the names that they get, and which of them are the same.
//!
//! Exporters store equal tensors once, so that a file does not tell a tied weight from two that are equal. A tensor that is read
//! again is the same parameter where a module is called again. What another module reads is another parameter, under a name of
//! its own.

use serde_json::json;

use super::graph::{Converter, Result, Use};
use super::known::View;
use super::model::Node;
use super::names;
use super::tensors::{self, Change};
use crate::pt2::{Argument, TensorMeta};

impl<'a> Converter<'a> {
    /// Makes a tensor a parameter of this name; gives the name of its value.
    pub(super) fn parameter(&mut self, view: &View, name: &str, change: Change) -> String {
        let value = format!("parameter {name}");
        let stored = tensors::shape(self.tensors[view.tensor]).unwrap_or_default();
        let stored = change.shape(&stored);
        let found = Use { tensor: view.tensor, change };
        if self.used.insert(name.to_owned(), found).is_none() {
            self.metas.insert(value.clone(), TensorMeta::new(7, &stored));
            self.specs
                .push(json!({ "parameter": { "arg": { "name": value }, "parameter_name": name } }));
        }
        value
    }

    /// The name of a weight: that which it has already where its module is called again; otherwise its own, or what its bias
    /// or module tell where an exporter made one up. One that may be another's under a name of its own is noted.
    pub(super) fn name_weight(
        &mut self,
        node: &Node,
        view: &View,
        change: Change,
        bias: Option<&View>,
    ) -> String {
        let found = Use { tensor: view.tensor, change };
        let told_by = bias.into_iter().chain([view]).map(|view| view.name.as_str());
        if let Some(same) = self.called_before(node, told_by, "weight", found) {
            return same;
        }
        let module = names::module(node);
        let own = (!names::is_made_up(&view.name)).then(|| view.name.clone());
        let bias = bias.map(|bias| bias.name.as_str());
        let told = names::weight_beside(bias, &module).filter(|_| own.is_none());
        let free = told.clone().filter(|name| !self.is_taken(name));
        let mut name = own.or(free).unwrap_or_else(|| view.name.clone());
        if self.used.contains_key(&name) {
            let beside = (!module.is_empty()).then(|| format!("{module}.weight"));
            let numbered = (2..).map(|n| format!("{name}.{n}"));
            let mut names = beside.into_iter().chain(numbered);
            name = names.find(|name| !self.is_taken(name)).unwrap_or_default();
        }
        if self.used.values().any(|used| used.tensor == view.tensor)
            || told.is_some_and(|told| told != name)
        {
            self.apart.push(name.clone());
        }
        self.called.insert((module, "weight".to_owned(), found), name.clone());
        name
    }

    /// The name of the parameter that the module of a node, which is called again, has read from this tensor before.
    fn called_before<'n>(
        &self,
        node: &Node,
        told_by: impl IntoIterator<Item = &'n str>,
        role: &str,
        found: Use,
    ) -> Option<String> {
        let modules = names::modules_called(node, told_by).into_iter();
        let before = |module| self.called.get(&(module, role.to_owned(), found)).cloned();
        // A parameter of another name may be one of several that its module has.
        let only = |name: &String| name.strip_suffix(role).is_some_and(|rest| rest.ends_with('.'));
        modules.filter(|module| !module.is_empty()).filter_map(before).find(only)
    }

    /// The bias of the layer of a weight, as a parameter: that of the same layer if the weight is read again.
    pub(super) fn bias(&mut self, node: &'a Node, view: &View, weight: &str) -> Result<String> {
        let found = Use { tensor: view.tensor, change: Change::None };
        let same = |name: &&String| self.used.get(*name) == Some(&found);
        let shared = self.biases.get(weight).filter(same).cloned();
        let name = match shared {
            Some(name) => name,
            None => self.name_auxiliary(node, view, "bias"),
        };
        self.biases.insert(weight.to_owned(), name.clone());
        self.auxiliary_named(node, view, "bias", &name)
    }

    /// A tensor of a normalisation, as a parameter: the same one if the module is called again.
    pub(super) fn of_norm(&mut self, node: &'a Node, view: &View, role: &str) -> Result<String> {
        let found = Use { tensor: view.tensor, change: Change::None };
        let name = match self.called_before(node, [view.name.as_str()], role, found) {
            Some(name) => name,
            None => self.name_auxiliary(node, view, role),
        };
        self.called.insert((names::module(node), role.to_owned(), found), name.clone());
        self.auxiliary_named(node, view, role, &name)
    }

    /// A tensor that is no weight, as a parameter.
    pub(super) fn auxiliary(&mut self, node: &'a Node, view: &View, role: &str) -> Result<String> {
        let name = self.name_auxiliary(node, view, role);
        self.auxiliary_named(node, view, role, &name)
    }

    /// A name for a tensor that is no weight: shared ones, which exporters store once, have one for each use.
    fn name_auxiliary(&self, node: &Node, view: &View, role: &str) -> String {
        let module = names::module(node);
        let own = (!self.used.contains_key(&view.name)).then(|| view.name.clone());
        let beside = Some(format!("{module}.{role}"))
            .filter(|name| !module.is_empty() && !self.is_taken(name));
        let named = match names::is_made_up(&view.name) {
            true => beside.or(own),
            false => own.or(beside),
        };
        let numbered = || (2..).map(|n| format!("{}.{n}", view.name));
        named.or_else(|| numbered().find(|name| !self.is_taken(name))).unwrap_or_default()
    }

    fn auxiliary_named(
        &mut self,
        node: &'a Node,
        view: &View,
        role: &str,
        name: &str,
    ) -> Result<String> {
        if view.transposed {
            return Err(format!("its {role} is a matrix with its axes swapped"));
        }
        let value = self.parameter(view, name, Change::None);
        let stored = tensors::shape(self.tensors[view.tensor]).unwrap_or_default();
        if stored == view.shape {
            return Ok(value);
        }
        let seen = format!("view {name}");
        let arguments = [("self", Argument::of_tensor(&value))];
        self.emit(node, "view.default", &arguments, &[(&seen, &view.shape)]);
        Ok(seen)
    }
}
