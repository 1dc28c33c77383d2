import torch

from model.autoencoder import PatchAutoencoder


def test_geometry_is_hunyuans() -> None:
    model = PatchAutoencoder(width=16, depth=1)
    latents = model.encode(torch.zeros(2, 3, 25, 64, 48))
    assert latents.shape == (2, 16, 7, 8, 6)
    assert model.decode(latents).shape == (2, 3, 25, 64, 48)
    assert model.encode(torch.zeros(2, 3, 1, 64, 48)).shape == (2, 16, 1, 8, 6)


def test_groups_decode_alone_as_they_do_together() -> None:
    model = PatchAutoencoder(width=16, depth=1).eval()
    latents = torch.randn(1, 16, 4, 8, 8)
    with torch.no_grad():
        assert torch.allclose(
            model.decode(latents)[:, :, 5:], model.decode_groups(latents[:, :, 2:]), atol=1e-5
        )


def test_a_continuation_starts_where_the_latents_end() -> None:
    """Its first latent is the picture just before the last group, its second the last group itself."""
    model = PatchAutoencoder(width=16, depth=1).eval()
    latents = torch.randn(1, 16, 7, 8, 8)
    with torch.no_grad():
        context = model.continuation(latents, 2)
        frame = model.decode(latents)[:, :, -5:-4].clamp(-1, 1)
        assert context.shape == (1, 16, 2, 8, 8)
        assert torch.allclose(context[:, :, :1], model.encode(frame), atol=1e-5)
        assert torch.equal(context[:, :, 1], latents[:, :, -1])
