"""Models in, masks and numbers out."""

import contextlib
import copy
import io
import tempfile
import unittest
import warnings
from pathlib import Path

import torch
from networks import PRUNABLE, Tied, residual
from safetensors.torch import load_file, save_file
from torch import nn

import phew_sparse as phew
from phew_sparse import program


def kept(masks: dict[str, torch.Tensor]) -> int:
    return sum(int(mask.sum()) for mask in masks.values())


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


class Pruning(unittest.TestCase):
    def test_a_mask_has_the_names_and_shapes_of_the_weights_and_the_density(self) -> None:
        model, x = residual()
        masks = phew.prune(model, x, density=0.2)
        self.assertEqual(list(masks), ["conv1.weight", "conv2.weight", "fc.weight"])
        for name, mask in masks.items():
            self.assertEqual((mask.dtype, mask.shape), (torch.bool, model.get_parameter(name).shape))
        target = int(0.2 * PRUNABLE)
        # The last walk is kept whole: it has a weight in each of at most 3 layers.
        self.assertTrue(target <= kept(masks) <= target + 2, kept(masks))

    def test_it_is_the_mask_that_the_program_makes_of_the_export(self) -> None:
        model, x = residual()
        with tempfile.TemporaryDirectory() as folder:
            archive, mask = Path(folder) / "model.pt2", Path(folder) / "mask.safetensors"
            torch.export.save(torch.export.export(model, (x,)), archive)
            program.run(["prune", str(archive), "--density", "0.1", "--seed", "7", "-o", str(mask)], folder)
            by_file = load_file(mask)
        masks = phew.prune(model, x, 0.1, seed=7)
        self.assertTrue(equal(masks, {name: by_file[name] for name in masks}))
        self.assertFalse(equal(masks, phew.prune(model, x, 0.1, seed=8)))

    def test_snip_looks_at_data_of_one_s_own_without_libtorch(self) -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3))
        x, y = torch.randn(60, 6), torch.arange(60) % 3
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "mine.safetensors"
            save_file({f"{part}.{what}": values.clone() for part in ("train", "test")
                       for what, values in (("input", x), ("target", y))}, data)
            options = {"method": "snip", "data": "tensors", "data_dir": str(data), "per_class": 20, "oracle": "engine"}
            masks = phew.prune(model, x[:2], 0.3, **options)
        normal = (x - x.mean(0)) / x.std(0, correction=0)
        nn.functional.cross_entropy(model(normal), y).backward()
        scores = torch.cat([(p.grad * p).abs().flatten() for p in (model[0].weight, model[2].weight)])
        kept = torch.cat([masks[name].flatten() for name in masks])
        self.assertEqual(int(kept.sum()), 54)
        self.assertTrue(torch.equal(scores[kept].sort().values, scores.sort().values[-54:]))

    def test_the_model_is_left_as_it_was(self) -> None:
        model, x = residual()
        model.fc.register_forward_hook(lambda *_: None)
        loss = model(x).sum()
        loss.backward()
        for mode in (True, False):
            model.train(mode)
            before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
            grads = [p.grad.clone() for p in model.parameters()]
            phew.prune(model, x)
            phew.inspect(model, x)
            self.assertEqual(model.training, mode)
            self.assertTrue(equal(before, model.state_dict()))
            self.assertTrue(torch.equal(state, torch.get_rng_state()))
            self.assertTrue(all(torch.equal(a, p.grad) for a, p in zip(grads, model.parameters())))

    def test_the_mode_and_what_is_wrapped_round_a_model_change_no_mask(self) -> None:
        model, x = residual()
        masks = phew.prune(model, x)
        self.assertTrue(equal(masks, phew.prune(model.eval(), x)))
        self.assertTrue(equal(masks, phew.prune(nn.DataParallel(model), (x,))))
        self.assertTrue(equal(masks, phew.prune(torch.compile(model), x)))
        phew.apply(nn.DataParallel(model), masks)
        self.assertTrue(torch.equal(model.conv1.weight_mask, masks["conv1.weight"].float()))

    def test_a_tied_weight_is_one_weight_under_its_first_name(self) -> None:
        torch.manual_seed(0)
        model, x = Tied(), torch.randn(4, 6)
        masks = phew.prune(model, x, density=0.3)
        self.assertEqual(list(masks), ["last.weight", "fc.weight"])
        sparse = phew.run(model, x, masks)
        phew.apply(model, masks)
        self.assertTrue(torch.allclose(model(x), sparse, atol=1e-5))

    def test_options_are_those_of_the_program(self) -> None:
        model, x = residual()
        plain = phew.prune(model, x, 0.2)
        self.assertFalse(equal(plain, phew.prune(model, x, 0.2, bias="uniform")))
        whole = phew.prune(model, x, 0.7, exclude=["conv1", "f*t"])
        self.assertTrue(whole["conv1.weight"].all() and whole["fc.weight"].all())
        shared = phew.prune(model, x, 0.2, layer_density={"conv2": 0.5})
        self.assertEqual(int(shared["conv2.weight"].sum()), 162)
        magnitude = phew.prune(model, x, None, method="magnitude", pattern="2:4", exclude=["conv1"])
        self.assertTrue((magnitude["fc.weight"].reshape(-1, 4).sum(1) == 2).all())
        exact = phew.prune(model, x, 0.2, exact=True, threads=1)
        self.assertEqual(kept(exact), int(0.2 * PRUNABLE))

    def test_walks_go_by_scores_that_are_given(self) -> None:
        model, x = residual()
        scores = {name: model.get_parameter(name).detach().abs() for name in phew.prune(model, x)}
        self.assertTrue(equal(phew.prune(model, x, scores=scores), phew.prune(model, x)))
        scores["fc.weight"] = torch.ones_like(scores["fc.weight"])
        self.assertFalse(equal(phew.prune(model, x, scores=scores), phew.prune(model, x)))

    def test_a_model_that_is_pruned_already_keeps_its_names(self) -> None:
        model, x = residual()
        masks = phew.prune(model, x, 0.5)
        phew.apply(model, masks)
        weight = model.fc.weight
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", phew.PhewWarning)
            again = phew.prune(model, x, 0.1, method="magnitude")
        self.assertIs(model.fc.weight, weight)
        self.assertEqual(list(again), list(masks))
        self.assertTrue(all(not (again[name] & ~masks[name]).any() for name in masks))


class Inspecting(unittest.TestCase):
    def test_it_counts_what_the_masks_leave(self) -> None:
        model, x = residual()
        masks = phew.prune(model, x, 0.2)
        seen = phew.inspect(model, x, masks)
        self.assertEqual((seen["kept"], seen["prunable"]), (kept(masks), PRUNABLE))
        self.assertEqual([layer["kept"] for layer in seen["layers"]], [int(m.sum()) for m in masks.values()])
        metrics = seen["metrics"]
        self.assertEqual(metrics["weights"], "model.pt2")
        # Of the pixels to a unit, from it to each position and from there to a class: all of them, and the skip.
        self.assertEqual(int(metrics["paths_dense"]), 9 * 6 * (1 + 6 * 9) * 16 * 5)
        self.assertLess(int(metrics["paths"]), int(metrics["paths_dense"]))
        self.assertLess(metrics["ln_path_kernel_trace"], phew.inspect(model, x)["metrics"]["ln_path_kernel_trace"])
        dense = phew.inspect(model, x, metrics=False)
        self.assertEqual((dense["density"], dense.get("metrics")), (1.0, None))

    def test_a_layer_without_weights_leaves_dead_units(self) -> None:
        model, x = residual()
        masks = phew.prune(model, x, 0.5)
        masks["fc.weight"] = torch.zeros_like(masks["fc.weight"])
        seen = phew.inspect(model, x, masks, metrics=False)
        self.assertEqual((seen["effective"], seen["outputs_alive"]), (0, 0))
        self.assertGreater(seen["dead_units"], 0)


class Refusing(unittest.TestCase):
    def test_a_request_that_makes_no_sense_is_a_usage_error(self) -> None:
        model, x = residual()
        for options, parts in [
            ({"density": 2}, "density"),
            ({"method": "nothing"}, "nothing"),
            ({"colour": 3}, "--colour"),
            ({"method": "snip"}, "name a set with --data"),
            ({"method": "grasp", "data": "digits"}, "built without training"),
            ({"exclude": ["absent"]}, "absent"),
        ]:
            with self.assertRaises(phew.PhewUsageError) as caught:
                phew.prune(model, x, **options)
            line = str(caught.exception)
            self.assertIn(parts, line)
            self.assertNotIn("\n", line)
            self.assertFalse(line.startswith(("phew:", "error:")), line)
            self.assertEqual(caught.exception.exit_code, 2)
            self.assertIsInstance(caught.exception, ValueError)
        with self.assertRaises(TypeError):
            phew.prune(model, x, output="m")

    def test_what_phew_does_not_understand_is_named_without_temporary_folders(self) -> None:
        class Fourier(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.fc = nn.Linear(4, 4)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.fft.fft(self.fc(x)).real

        with self.assertRaises(phew.PhewError) as caught:
            phew.prune(Fourier(), torch.randn(2, 4))
        self.assertTrue(str(caught.exception).startswith("model.pt2: "), caught.exception)
        self.assertIn("fft", str(caught.exception))
        self.assertNotIsInstance(caught.exception, ValueError)

    def test_masks_that_fit_no_model_are_refused(self) -> None:
        model, x = residual()
        masks = phew.prune(model, x)
        short = {**masks, "fc.weight": masks["fc.weight"][:2]}
        with self.assertRaises(phew.PhewError) as caught:
            phew.inspect(model, x, short)
        self.assertIn("fc.weight", str(caught.exception))

    def test_what_is_left_out_is_a_warning(self) -> None:
        model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(), nn.Linear(8, 4))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            phew.prune(model, torch.randn(2, 8), 0.5)
        ours = [w for w in caught if w.category is phew.PhewWarning]
        self.assertTrue(any("dropout" in str(w.message).lower() for w in ours), caught)
        self.assertEqual({w.filename for w in ours}, {__file__})

    def test_nothing_is_printed(self) -> None:
        model, x = residual()
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            phew.prune(model, x)
        self.assertEqual((out.getvalue(), err.getvalue()), ("", ""))


if __name__ == "__main__":
    unittest.main()
