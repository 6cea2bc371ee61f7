"""The machinery of the project, pipeline, gate and other parts: the same in every repo, and updated from the template."""

import warnings

# If pyspark is installed, pandera imports it, and it warns about versions of pandas in every command.
warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
