"""Which pods a pod halts."""

from loadgen.fleet.peers import other_peers


def test_a_pod_leaves_its_own_address_out_of_the_fleet_that_it_halts() -> None:
    assert other_peers(("10.0.0.1:8089", "10.0.0.2:8089"), "10.0.0.2") == ("10.0.0.1:8089",)


def test_a_pod_with_a_long_address_knows_itself_too() -> None:
    assert other_peers(("[fd00::1]:8089", "[fd00::2]:8089"), "fd00::2") == ("[fd00::1]:8089",)
