import sys

from keras_nm.cli import main

sys.exit(main())
