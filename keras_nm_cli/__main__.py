import sys

from keras_nm_cli import main

sys.exit(main())
