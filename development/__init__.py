"""How a checkout is set up and tested. Nothing here is installed with dpe_toolkit.

Only the standard library is imported, for there is nothing else yet when it runs; `floors` and `interpreters` alone
serve those who have more.
"""
