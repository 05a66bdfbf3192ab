"""`python -m payments.simulator`."""

from payments.simulator.commandline import main

raise SystemExit(main())
