//! Tensors that several operators share: what the operators must have in common.

use super::Arch;
use super::op::operator::OwnTensor;
use super::tensor::{Role, TensorSpec};
use crate::error::GraphError;
use crate::ids::TensorId;

impl Arch {
    /// Notes that a node uses a tensor which others before it use, if there is one of this name.
    ///
    /// # Errors
    /// [`GraphError::Field`] if it is something else to them: of another role, shape or order, in other groups, or twice the
    /// same operator's.
    pub(super) fn share(
        &mut self,
        name: &str,
        node: usize,
        tensor: &OwnTensor,
    ) -> Result<bool, GraphError> {
        let find = |specs: &[TensorSpec]| specs.iter().position(|spec| spec.name == name);
        let (place, spec) = match (find(&self.prunable), find(&self.auxiliary)) {
            (Some(place), _) => (place, &self.prunable[TensorId::new(place)]),
            (None, Some(place)) => (place, &self.auxiliary[place]),
            (None, None) => return Ok(false),
        };
        let first = spec.nodes[0];
        let alike = (spec.role, &spec.shape) == (tensor.role, &tensor.shape)
            && (tensor.role != Role::Weight || self.effect(first) == self.effect(node))
            && !spec.nodes.contains(&node);
        if !alike {
            let other = &self.nodes[first];
            let shape = &spec.shape[..];
            return Err(GraphError::Field {
                operator: self.nodes[node].name.clone(),
                field: "tensors",
                found: format!("`{name}` of shape {shape:?}, which is `{}`'s", other.name),
                expected: "a tensor of its own, or one of the same use, shape and groups".into(),
            });
        }
        if tensor.role == Role::Weight {
            let tensor_id = TensorId::new(place);
            self.prunable[tensor_id].nodes.push(node);
            self.positions[tensor_id] += tensor.positions;
        } else {
            self.auxiliary[place].nodes.push(node);
        }
        Ok(true)
    }

    /// The first prunable weight that several operators share, if there is one.
    #[must_use]
    pub fn tied_weight(&self) -> Option<&TensorSpec> {
        self.prunable.iter().find(|spec| spec.is_shared())
    }

    /// The names that a tensor would have in a state dict after each operator that uses it, but for its own.
    #[cfg(feature = "files")]
    pub(crate) fn other_names(&self, spec: &TensorSpec) -> Vec<String> {
        let of_node = |&node: &usize| {
            let node = &self.nodes[node];
            let own = node.tensors.iter().filter(|(_, own)| **own == spec.name);
            own.map(move |(tensor, _)| format!("{}.{tensor}", node.name))
        };
        match spec.is_shared() {
            true => spec.nodes.iter().flat_map(of_node).collect(),
            false => Vec::new(),
        }
    }

    /// Whether a node shares any of its tensors with others.
    pub(crate) fn shares_tensors(&self, node: usize) -> bool {
        let mut specs = self.prunable.iter().chain(&self.auxiliary);
        specs.any(|spec| spec.is_shared() && spec.nodes.contains(&node))
    }
}
