"""The project's middleware chain as Django runs it: who runs in which thread, and what that costs.

`chain` has Django's own loader build the chain, and watches. `steps` says what a request passes,
hook by hook, and where it changes threads; `causes` who is to blame, and `costs` what a change of
threads costs on this machine. `report` puts it into words, for `manage.py holdfast stack`.
"""
