"""Masks on a model, and weights that stay zero."""

import unittest
from collections.abc import Callable

import torch
from networks import Tied, residual
from torch import Tensor, nn, optim
from torch.nn.utils import prune as torch_prune

import phew_sparse as phew

Make = Callable[[list[nn.Parameter]], optim.Optimizer]

OPTIMISERS: dict[str, Make] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD, momentum, decay": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True),
    "AdamW, one by one": lambda p: optim.AdamW(p, lr=0.01, foreach=False),
    "Adam, fused": lambda p: optim.Adam(p, lr=0.01, fused=True),
    "NAdam": lambda p: optim.NAdam(p, lr=0.01),
    "RAdam": lambda p: optim.RAdam(p, lr=0.01),
    "Adamax": lambda p: optim.Adamax(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.9, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.01, initial_accumulator_value=0.1),
    "Adadelta": lambda p: optim.Adadelta(p),
    "Adafactor": lambda p: optim.Adafactor(p),
    "ASGD": lambda p: optim.ASGD(p, lr=0.1, t0=0),
    "Rprop": lambda p: optim.Rprop(p),
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.1, max_iter=3),
    # Its steps are orthogonal matrices: they move what has no gradient.
    "Muon": lambda p: optim.Muon([w for w in p if w.ndim == 2], lr=0.01),
}


def masks_of(model: nn.Module) -> dict[str, Tensor]:
    """A third of each weight, always the same."""
    draw = torch.Generator().manual_seed(1)
    weights = {name: p for name, p in model.named_parameters() if p.ndim > 1}
    return {name: torch.rand(p.shape, generator=draw) < 1 / 3 for name, p in weights.items()}


def steps(model: nn.Module, x: Tensor, optimizer: optim.Optimizer, count: int) -> None:
    target = torch.arange(len(x)) % 5

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        return loss

    for _ in range(count):
        closure()
        optimizer.step(closure) if isinstance(optimizer, optim.LBFGS) else optimizer.step()


def greatest(tensors: list[Tensor]) -> float:
    return max((float(t.abs().max()) for t in tensors if t.numel()), default=0.0)


class Freezing(unittest.TestCase):
    def check(self, make: Make) -> None:
        model, x = residual()
        masks = masks_of(model)
        optimizer = make(list(model.parameters()))
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        # The optimiser has a state by then, of all weights.
        steps(model, x, optimizer, 2)
        before = {name: model.get_parameter(name).detach().clone() for name in masks}
        moved = [before[name][~mask] for name, mask in masks.items()]
        self.assertGreater(greatest(moved), 0)
        phew.freeze(model, masks, optimizer)
        for _ in range(3):
            steps(model, x, optimizer, 1)
            for name, mask in masks.items():
                parameter = model.get_parameter(name)
                state = optimizer.state.get(parameter, {}).values()
                same = [s for s in state if isinstance(s, Tensor) and s.shape == parameter.shape]
                zeros = [t[~mask] for t in [parameter.detach(), parameter.grad, *same]]
                self.assertEqual(greatest(zeros), 0, name)
                if id(parameter) in held:
                    self.assertGreater(greatest([parameter.detach()[mask] - before[name][mask]]), 0, name)

    def test_pruned_weights_gradients_and_states_are_zero_under_every_optimiser(self) -> None:
        for name, make in OPTIMISERS.items():
            with self.subTest(name):
                self.check(make)

    def test_every_optimiser_of_torch_is_tried(self) -> None:
        known = {
            name for name, kind in vars(optim).items() if isinstance(kind, type) and issubclass(kind, optim.Optimizer)
        }
        tried = {name.split(",")[0] for name in OPTIMISERS}
        # That of sparse gradients takes no dense ones.
        self.assertEqual(known - {"Optimizer", "SparseAdam"}, tried)

    def test_without_it_momentum_and_gradients_revive_pruned_weights(self) -> None:
        model, x = residual()
        masks = masks_of(model)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        with phew.freeze(model, masks, optimizer):
            steps(model, x, optimizer, 2)
        steps(model, x, optimizer, 1)
        pruned = [model.get_parameter(name).detach()[~mask] for name, mask in masks.items()]
        self.assertGreater(greatest(pruned), 0)

    def test_gradients_are_zero_before_the_step_even_where_they_were_not_finite(self) -> None:
        model, x = residual()
        masks = masks_of(model)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        phew.freeze(model, masks, optimizer)
        (model(x).sum() * float("inf")).backward()
        for name, mask in masks.items():
            self.assertEqual(greatest([model.get_parameter(name).grad[~mask]]), 0)
        # And where somebody writes them.
        optimizer.zero_grad()
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        for name, mask in masks.items():
            self.assertEqual(greatest([model.get_parameter(name).detach()[~mask]]), 0)

    def test_clipping_sees_the_kept_weights_alone(self) -> None:
        model, x = residual()
        masks = masks_of(model)
        phew.freeze(model, masks, optim.SGD(model.parameters(), lr=0.1))
        model(x).sum().backward()
        kept = [p.grad[masks[name]] if name in masks else p.grad for name, p in model.named_parameters()]
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1e9)
        torch.testing.assert_close(norm, torch.cat([g.flatten() for g in kept]).norm())

    def test_weights_that_are_loaded_later_lose_what_is_pruned(self) -> None:
        model, x = residual()
        masks = masks_of(model)
        optimizer = optim.AdamW(model.parameters())
        frozen = phew.freeze(model, masks, optimizer)
        model.load_state_dict(residual()[0].state_dict())
        frozen.zero()
        for name, mask in masks.items():
            self.assertEqual(greatest([model.get_parameter(name).detach()[~mask]]), 0)

    def test_what_cannot_be_frozen_is_refused(self) -> None:
        model, x = residual()
        other = optim.SGD(residual()[0].parameters(), lr=0.1)
        with self.assertRaisesRegex(ValueError, "another model"):
            phew.freeze(model, masks_of(model), other)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        masks = masks_of(model)
        for wrong, kind, words in [
            ({"fc.wait": masks["fc.weight"]}, KeyError, "fc.wait"),
            ({"full.weight": masks["fc.weight"]}, KeyError, "no module"),
            ({"fc.weight": masks["fc.weight"].T}, ValueError, "96, 5"),
            ({"fc.weight": masks["fc.weight"] * 0.5}, ValueError, "besides 0 and 1"),
        ]:
            for call in (lambda: phew.freeze(model, wrong, optimizer), lambda: phew.apply(model, wrong)):
                with self.assertRaisesRegex(kind, words):
                    call()
        nn.utils.parametrizations.weight_norm(model.fc)
        with self.assertRaisesRegex(KeyError, "computed"):
            phew.freeze(model, masks, optimizer)


class Applying(unittest.TestCase):
    def test_a_tied_weight_is_masked_wherever_it_is_used(self) -> None:
        torch.manual_seed(0)
        model, x = Tied(), torch.randn(10, 6)
        masks = masks_of(model)
        self.assertEqual(list(masks), ["last.weight", "fc.weight"])
        by_hand = Tied()
        by_hand.load_state_dict(model.state_dict())
        with torch.no_grad():
            by_hand.last.weight.mul_(masks["last.weight"])
            by_hand.fc.weight.mul_(masks["fc.weight"])
        phew.apply(phew.apply(model, masks), masks)
        self.assertTrue(torch.equal(model(x), by_hand(x)))
        self.assertIs(model.first.weight_orig, model.last.weight_orig)

    def test_it_is_the_convention_of_torch(self) -> None:
        model, x = residual()
        masks = phew.prune(model, x, 0.2)
        dense = {name: model.get_parameter(name).detach().clone() for name in masks}
        self.assertIs(phew.apply(model, masks), model)
        for name, mask in masks.items():
            module = model.get_submodule(name.removesuffix(".weight"))
            self.assertTrue(torch_prune.is_pruned(module))
            self.assertTrue(torch.equal(module.weight, dense[name] * mask))
            torch_prune.remove(module, "weight")
            self.assertTrue(torch.equal(model.get_parameter(name), dense[name] * mask))

    def test_frozen_weights_may_lie_under_it(self) -> None:
        model, x = residual()
        masks = masks_of(model)
        phew.apply(model, masks)
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        phew.freeze(model, masks, optimizer)
        steps(model, x, optimizer, 2)
        for name, mask in masks.items():
            self.assertEqual(greatest([model.get_parameter(f"{name}_orig").detach()[~mask]]), 0)

    def test_one_wrong_mask_leaves_the_model_as_it_was(self) -> None:
        model, _ = residual()
        masks = {**masks_of(model), "fc.weight": torch.ones(1)}
        with self.assertRaises(ValueError):
            phew.apply(model, masks)
        self.assertFalse(torch_prune.is_pruned(model))


if __name__ == "__main__":
    unittest.main()
