import torch
from torch.nn.functional import max_pool2d

from zoo.networks.attention import SelfAttention


def test_with_gamma_zero_attention_is_the_identity():
    features = torch.randn(2, 16, 4, 4)
    assert torch.equal(SelfAttention(16)(features), features)


def test_attention_against_the_formula():
    torch.manual_seed(0)
    layer = SelfAttention(16)
    layer.gamma.data.fill_(0.7)
    features = torch.randn(2, 16, 4, 6)
    query = layer.query(features).flatten(2)
    key = max_pool2d(layer.key(features), 2).flatten(2)
    value = max_pool2d(layer.value(features), 2).flatten(2)
    shares = torch.einsum("ncp,ncq->npq", query, key).softmax(2)  # of the pooled positions q in each position p
    seen = torch.einsum("npq,ncq->ncp", shares, value).view(2, 8, 4, 6)
    torch.testing.assert_close(layer(features), features + 0.7 * layer.out(seen))


def test_parameters_equal_the_reference_implementation():
    # kwotsin/mimicry's SAGAN generator at 32 px has 4,386,308 parameters, 81,921 more than its cGAN-PD: attention at 256.
    assert sum(parameter.numel() for parameter in SelfAttention(256).parameters()) == 81_921
