"""A space of one's own: small MobileNets whose blocks are chosen one by one.

cgraph study docs/examples/mobilenets.py --out studies/mobilenets --quick
"""

from torch import nn

from cgraph.spaces import ChoiceSpace


class MobileNets(ChoiceSpace):
    """Three blocks: kernel size 3, 5 or 7, expansion 3 or 6; or a block is left out."""

    name, summary, source = "mobilenets", "three inverted bottlenecks", "an example"
    input_shapes = {"full": (3, 16, 16)}
    choices = (("k3e3", "k3e6", "k5e3", "k5e6", "k7e3", "k7e6", "skip"),) * 3

    def build(self, arch, skeleton):
        words = [word for word in arch.split("|") if word != "skip"]
        blocks = [Bottleneck(kernel=int(word[1]), expansion=int(word[3])) for word in words]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
        return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), *blocks, *head)


class Bottleneck(nn.Module):
    """Widen, convolve each channel by itself, narrow; added to what came in."""

    def __init__(self, kernel, expansion):
        super().__init__()
        wide = 16 * expansion
        depthwise = nn.Conv2d(wide, wide, kernel, padding=kernel // 2, groups=wide, bias=False)
        self.layers = nn.Sequential(
            *(nn.Conv2d(16, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()),
            *(depthwise, nn.BatchNorm2d(wide), nn.ReLU()),
            *(nn.Conv2d(wide, 16, 1, bias=False), nn.BatchNorm2d(16)),
        )

    def forward(self, x):
        return x + self.layers(x)
