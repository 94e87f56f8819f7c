import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from recommendations.ml.sequences import SEQUENCE_LENGTH
from recommendations.ml.training.encoder_graph import encoder_graph
from recommendations.ml.training.export import export_encoder, export_network
from recommendations.ml.training.learner import look_back
from recommendations.ml.training.network import NOTHING, Layer, Network, NetworkSettings, PooledDropout

SETTINGS = NetworkSettings(width=8, feed_forward=16)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(20, SETTINGS).eval()


def packed(*windows):
    """One packed row: (items, kinds, positions, blocked) for windows of item numbers."""
    items = torch.tensor([[item for window in windows for item in window]])
    places = torch.tensor([[place for window in windows for place in range(len(window))]])
    which = torch.tensor([[number for number, window in enumerate(windows) for _ in window]])
    return items, torch.ones_like(items), places, look_back(which)


def encoded(network, items):
    numbers = torch.tensor([items])
    lengths = torch.tensor([len(items)])
    return network.encoder(network.item_matrix[numbers], torch.ones_like(numbers), lengths)[0]


def test_serving_computes_what_training_computes_at_the_last_position(network):
    for items in ([3], [3, 7], [1, 2, 3, 4, 5]):
        torch.testing.assert_close(encoded(network, items), network(*packed(items))[0, -1], rtol=1e-5, atol=1e-5)


def test_windows_of_a_row_do_not_see_each_other(network):
    together = network(*packed([1, 2, 3], [4, 5]))[0]
    torch.testing.assert_close(together[:3], network(*packed([1, 2, 3]))[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(together[3:], network(*packed([4, 5]))[0], rtol=1e-5, atol=1e-5)


def test_a_token_does_not_see_later_ones(network):
    first, second = network(*packed([1, 2, 3]))[0], network(*packed([1, 2, 9]))[0]
    assert torch.equal(first[:2], second[:2])
    assert not torch.equal(first[2], second[2])


def test_what_is_blocked_gets_nothing_though_serving_gives_it_no_tiny_number():
    torch.manual_seed(0)
    layer = Layer(SETTINGS, PooledDropout(0.0))
    x, blocked = torch.randn(2, 5, 8), torch.triu(torch.full((5, 5), -1e9), 1)
    assert torch.equal(layer.eval()(x, blocked), layer.train()(x, blocked))


def test_padding_on_the_right_changes_nothing(network):
    items = torch.tensor([[1, 2, 0, 0], [1, 2, 3, 4]])
    both = network.encoder(network.item_matrix[items], torch.ones_like(items), torch.tensor([2, 4]))
    torch.testing.assert_close(both[0], encoded(network, [1, 2]), rtol=1e-5, atol=1e-5)


def test_padding_is_the_zero_vector(network):
    assert (network.item_matrix[0] == 0).all()


def test_dropout_zeroes_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    drop = PooledDropout(0.25).train()
    dropped = drop(torch.ones(200, 500))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)


def test_dropout_masks_differ_from_call_to_call_and_vanish_in_eval():
    drop, x = PooledDropout(0.5), torch.ones(50, 50)
    drop.train()
    assert not torch.equal(drop(x), drop(x))
    assert torch.equal(drop.eval()(x), x)
    assert torch.equal(PooledDropout(0.0).train()(x), x)


def test_dropout_pool_is_drawn_anew(monkeypatch):
    monkeypatch.setattr(PooledDropout, "POOL", 8)
    monkeypatch.setattr(PooledDropout, "REUSE", 2)
    drop = PooledDropout(0.5).train()
    drop(torch.ones(4))
    first = drop._pool
    drop(torch.ones(4))
    assert drop._pool is first
    drop(torch.ones(4))
    assert drop._pool is not first


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    directory = tmp_path_factory.mktemp("exported")
    export_network(network, directory, network.bias.detach().numpy())
    return directory


def made_encoder(width, layers, heads, sharp=1.0):
    """One of which no two weights are equal, so that none can stand for another; `sharp` attention looks at little."""
    torch.manual_seed(width)
    encoder = Network(3, NetworkSettings(width, layers, heads, 3 * width)).encoder.eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for layer in encoder.layers:
            layer.query.weight.mul_(sharp)
    return encoder


def asked_of(encoder, batch, length, rng):
    width = encoder.positions.shape[1]
    vectors = rng.normal(size=(batch, length, width)).astype(np.float32)
    lengths = rng.integers(1, length + 1, batch)
    return {"items": vectors, "kinds": rng.integers(0, 8, (batch, length)), "lengths": lengths}


def run(encoder, asked):
    session = onnxruntime.InferenceSession(encoder_graph(encoder).SerializeToString())
    return session.run(["hidden"], asked)[0]


@pytest.mark.parametrize("shape", [(64, 2, 2), (8, 1, 1), (12, 1, 3), (30, 3, 5)])
@pytest.mark.parametrize("sharp", [1.0, 20.0])
def test_the_graph_computes_what_the_encoder_does(shape, sharp):
    encoder, rng = made_encoder(*shape, sharp), np.random.default_rng(0)
    for batch, length in ((1, 1), (1, 7), (5, 1), (3, SEQUENCE_LENGTH)):
        asked = asked_of(encoder, batch, length, rng)
        with torch.inference_mode():
            expected = encoder(*(torch.from_numpy(array) for array in asked.values()))
        np.testing.assert_allclose(run(encoder, asked), expected.numpy(), rtol=1e-4, atol=1e-4)


def test_in_the_graph_padding_is_never_looked_at():
    encoder, rng = made_encoder(12, 2, 3), np.random.default_rng(0)
    asked = asked_of(encoder, 4, 9, rng) | {"lengths": np.array([1, 4, 8, 9])}
    other = asked | {"items": asked["items"].copy()}
    for row, length in enumerate(asked["lengths"]):
        other["items"][row, length:] = 1_000 * rng.normal(size=(9 - length, 12))
    assert np.array_equal(run(encoder, asked), run(encoder, other))


def test_the_graph_gives_no_token_less_than_training_gives_what_is_blocked():
    graph = encoder_graph(made_encoder(12, 3, 3)).graph
    bound = next(tensor.name for tensor in graph.initializer if np.all(onnx.numpy_helper.to_array(tensor) == NOTHING))
    subtracted = {node.output[0] for node in graph.node if node.op_type == "Sub" and bound in node.input}
    assert sum(bool(subtracted & set(node.input)) for node in graph.node if node.op_type == "Max") == 3


def test_the_oldest_onnxruntime_reads_the_graph(exported):
    """1.20 reads up to IR 10 and operators of opset 21."""
    model = onnx.load(exported / "encoder.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 10
    assert [opset.version <= 21 for opset in model.opset_import] == [True]


def test_export_is_the_same_bytes_again(network, exported, tmp_path):
    export_encoder(network.encoder, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == (exported / "encoder.onnx").read_bytes()


def test_stored_weights_are_plain_arrays(network, exported):
    with np.load(exported / "weights.npz", allow_pickle=False) as stored:
        assert set(stored.files) == set(network.state_dict())
        assert stored["item_matrix"].shape == (21, 8)
