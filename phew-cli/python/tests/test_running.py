"""Networks that phew runs, and files that it packs."""

import tempfile
import unittest
from pathlib import Path

import torch
from networks import residual
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import phew_sparse as phew
from phew_sparse import program


class Running(unittest.TestCase):
    def test_outputs_are_those_of_the_model_under_its_masks(self) -> None:
        model, x = residual()
        model.eval()
        x = torch.randn(19, *x.shape[1:])
        self.assertTrue(torch.allclose(phew.run(model, x), model(x), rtol=1e-4, atol=1e-5))
        masks = phew.prune(model, x, density=0.3)
        found = phew.run(model, x, masks)
        with torch.no_grad():
            for name, mask in masks.items():
                model.get_parameter(name).mul_(mask)
        self.assertTrue(torch.allclose(found, model(x), rtol=1e-4, atol=1e-5))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.pt2"
            torch.export.save(torch.export.export(model, (x[:2],)), file)
            self.assertTrue(torch.equal(phew.run(str(file), x), phew.run(model, x)))
            with self.assertRaisesRegex(phew.PhewError, "shape of the inputs"):
                phew.run(file, x[:, :, 1:])

    def test_packed_files_come_back_whole(self) -> None:
        model, x = residual()
        model.eval()
        for density, kind in [(0.05, torch.float32), (0.5, torch.float32), (0.1, torch.bfloat16)]:
            masks = phew.prune(model, x, density)
            with tempfile.TemporaryDirectory() as folder:
                at = Path(folder)
                torch.export.save(torch.export.export(model, (x,)), at / "m.pt2")
                save_file({name: mask.contiguous() for name, mask in masks.items()}, at / "mask")
                words = ["pack", f"--arch={at / 'm.pt2'}", f"--mask={at / 'mask'}", f"--output={at / 'packed'}"]
                program.run([*words, f"--type={'f32' if kind == torch.float32 else 'bf16'}"], folder)
                found = phew.load_packed(at / "packed")
                with self.assertRaisesRegex(ValueError, "not a file of `phew pack`"):
                    phew.load_packed(at / "mask")
                damaged = load_file(at / "packed")
                damaged.pop("conv2.weight.kept")
                with safe_open(at / "packed", "pt") as file:
                    save_file(damaged, at / "damaged", file.metadata())
                with self.assertRaisesRegex(ValueError, "`conv2.weight`: its values are missing"):
                    phew.load_packed(at / "damaged")
            state = model.state_dict()
            self.assertEqual(found.keys(), state.keys() - {name for name in state if "num_batches" in name})
            for name, tensor in found.items():
                wanted = (state[name] * masks[name]).to(kind) if name in masks else state[name]
                self.assertTrue(torch.equal(tensor, wanted), name)


if __name__ == "__main__":
    unittest.main()
