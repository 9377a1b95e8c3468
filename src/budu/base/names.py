"""Random names for containers that were given none: an adjective and a surname.

The surnames are of seafarers, makers of charts, ships, lights and bridges, and of writers,
painters and composers of many countries.
"""

from __future__ import annotations

import random

_ADJECTIVES = """
    able agile airy alert amber ample ancient aqua arctic ardent aware balmy basic bright brisk
    bronze buoyant calm candid careful caring cheerful civil clean clear coastal cobalt coral
    cordial cosmic cosy crafty crimson crisp curious daring deft diligent distant dizzy durable
    dusky earnest easy emerald exact fabled fair faithful fearless fine firm floating fluent flying
    fond frank free fresh gentle gilded glad gleaming golden graceful grand grateful handy hardy
    hearty helpful honest humble indigo ivory jade jaunty joyful lively loyal lucky lunar mellow
    merry mighty mild misty moonlit native neat nimble noble northern orderly patient placid plucky
    polite prompt proud quick quiet radiant rapid ready robust rosy rustic sailing salty sandy
    scarlet seaworthy silent silver sincere smooth snowy sober solar solid southern spry stable
    starry steady sturdy sunny swift tidal tidy tranquil true upright valiant velvet violet warm
    wary western wise witty woven
"""

_SURNAMES = """
    achebe akhmatova albeniz almeida amundsen andersen aoki arne austen balzac baret barents
    bartok basho beaufort bering bernini berwald bizet blake blixen bligh bonny borges borodin
    botticelli bougainville boulanger bowditch brahms braque britten bronte brunel buson cabot
    cadamosto calder calvino canaletto caravaggio cartier cather cervantes cezanne chabrier
    chagall chaminade champlain chancellor chekhov chopin clara columbus conrad cook copland
    corelli courbet couperin cowell daphne dampier dante davis debussy degas delibes diaz dickens
    dickinson drake dumas durer dvorak eames earhart eiffel elcano elgar eliot ensor erikson
    farrenc faure fitzroy flinders franck fresnel frobisher frost fuchs gama gaudi gauguin gershwin
    gibran gilbert giotto glinka goethe gogol gorky goya grieg haendel halley hals hammett han
    hardy harrison haydn hemingway heo heyerdahl hokusai holst homer hong hornemann hudson hugo
    humboldt ibsen ives janacek jangbogo johnson joplin joyce kafka kahlo kandinsky kawabata keats
    kim klee klimt kodaly kollwitz krenek labe laperouse larsen lagerlof lem liszt livingstone lorca
    macke magellan mahler makeba manet mann marin marquez massenet matisse maury melville mercator
    milhaud mingus miro monet monk monteverdi morisot mozart munch murasaki nansen neruda nerval
    nielsen niemeyer nobile nordenskiold offenbach okeeffe orff ortelius oudry ozu paganini paik
    park pessoa piaf picasso polo poulenc proust ptolemy puccini purcell pushkin pytheas quiros
    rachmaninov raleigh rameau ravel rembrandt renoir rilke rodin rossini rousseau rubens rumi
    saarinen sand satie schubert schumann scott seacole seurat shackleton shelley sibelius sidney
    slocum smeaton smetana sor stevenson strauss sumac swift szymborska tagore tallis tasman
    telemann telford tintoretto titian tolstoy torres tove turner vancouver verdi verne vermeer
    vespucci vivaldi wagner weber whitman wilde wilkes woolf wren yeats yi yun zweig
"""


ADJECTIVES = tuple(_ADJECTIVES.split())
"""First words of names."""

SURNAMES = tuple(_SURNAMES.split())
"""Second words of names."""


def random_name(*, retry: int = 0) -> str:
    """A name such as `steady_turner`; from the first retry on with a digit behind it.

    `retry` is how many names were found to be taken before.
    """
    name = f"{random.choice(ADJECTIVES)}_{random.choice(SURNAMES)}"
    return f"{name}{random.randrange(10)}" if retry > 0 else name
