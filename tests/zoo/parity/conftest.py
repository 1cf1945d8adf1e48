"""The references beside the test are plain modules: `import reference_resnets`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
