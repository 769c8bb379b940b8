"""An AMQP client on Qpid Proton, as Debian has it (python3-qpid-proton): sends, and receives in every way there is.

    proton-client.py URL send ADDRESS TEXT...      each text is a message
    proton-client.py URL anonymous ADDRESS TEXT... the same, to a target without an address
    proton-client.py URL receive ADDRESS COUNT     accepts so many
    proton-client.py URL outcomes ADDRESS          releases, modifies and rejects the first delivery of one event, then accepts it
    proton-client.py URL drain ADDRESS             gives ten credits, drains, and says what came until then
    proton-client.py URL wishes ADDRESS            asks for what not every broker has, and says how each is refused

What happens is a line of JSON each. The user and the password stand in the environment.
"""

import base64
import json
import os
import sys

from proton import Message
from proton.handlers import MessagingHandler
from proton.reactor import Container, Copy, DurableSubscription, Selector

PATIENCE_S = 20


def say(**fields):
    print(json.dumps(fields), flush=True)


class Client(MessagingHandler):
    def __init__(self, url, **options):
        super().__init__(**options)
        self.url = url

    def on_start(self, event):
        self.timeout = event.container.schedule(PATIENCE_S, self)
        self.connection = event.container.connect(
            self.url,
            user=os.environ['AMQP_USER'],
            password=os.environ['AMQP_PASSWORD'],
            allowed_mechs='PLAIN',
            allow_insecure_mechs=True,
            reconnect=False,
        )
        self.begin(event)

    def on_timer_task(self, event):
        say(said='timeout')
        self.connection.close()
        sys.exit(3)

    def done(self):
        self.timeout.cancel()
        self.connection.close()

    def on_link_error(self, event):
        say(said='detached', condition=event.link.remote_condition.name, detail=event.link.remote_condition.description)
        self.done()

    def on_transport_error(self, event):
        say(said='failed', condition=event.transport.condition.name if event.transport.condition else '')
        self.timeout.cancel()


class Send(Client):
    def __init__(self, url, address, texts, anonymous):
        super().__init__(url)
        self.address, self.texts, self.anonymous = address, texts, anonymous
        self.left = len(texts)

    def begin(self, event):
        target = None if self.anonymous else self.address
        self.sender = event.container.create_sender(self.connection, target)
        self.sent = 0

    def on_sendable(self, event):
        while event.sender.credit and self.sent < len(self.texts):
            message = Message(body=self.texts[self.sent].encode(), content_type='application/json', inferred=True)
            if self.anonymous:
                message.address = self.address
            self.sent += 1
            event.sender.send(message)

    def settled(self, said, event):
        condition = event.delivery.remote.condition
        say(said=said, condition=condition.name if condition else None)
        self.left -= 1
        if self.left == 0:
            self.done()

    def on_accepted(self, event):
        self.settled('accepted', event)

    def on_rejected(self, event):
        self.settled('rejected', event)

    def on_released(self, event):
        self.settled('released', event)


class Receive(Client):
    def __init__(self, url, address, **options):
        super().__init__(url, auto_accept=False, **options)
        self.address = address

    def begin(self, event):
        self.receiver = event.container.create_receiver(self.connection, self.address)

    def show(self, event):
        message = event.message
        body = message.body
        say(
            said='received',
            body=base64.b64encode(bytes(body) if not isinstance(body, str) else body.encode()).decode(),
            to=message.address,
            contentType=message.content_type,
            attempt=message.delivery_count + 1,
            firstAcquirer=message.first_acquirer,
            properties=dict(message.properties or {}),
        )


class ReceiveSome(Receive):
    def __init__(self, url, address, count):
        super().__init__(url, address)
        self.left = count

    def on_message(self, event):
        self.show(event)
        self.accept(event.delivery)
        self.left -= 1
        if self.left == 0:
            self.done()


class Outcomes(Receive):
    said = 0

    def on_message(self, event):
        self.show(event)
        self.said += 1
        if self.said == 1:
            self.release(event.delivery, delivered=False)
        elif self.said == 2:
            self.release(event.delivery, delivered=True)
        elif self.said == 3:
            event.delivery.local.condition = None
            self.reject(event.delivery)
        else:
            self.accept(event.delivery)
            self.done()


class Drain(Receive):
    def __init__(self, url, address):
        super().__init__(url, address, prefetch=0)

    def on_link_opened(self, event):
        event.receiver.drain(10)

    def on_message(self, event):
        self.show(event)
        self.accept(event.delivery)

    def on_link_flow(self, event):
        if event.receiver and event.receiver.credit == 0:
            say(said='drained')
            self.done()


class Wishes(Client):
    def __init__(self, url, address):
        super().__init__(url)
        self.address = address

    def begin(self, event):
        make, connection = event.container.create_receiver, self.connection
        make(connection, self.address, name='selector', options=Selector("colour = 'red'"))
        make(connection, self.address, name='copy', options=Copy())
        make(connection, 'topic:a/b', name='durable', options=DurableSubscription())
        make(connection, None, name='dynamic', dynamic=True)
        self.left = 4

    def on_link_error(self, event):
        condition = event.link.remote_condition
        say(said='refused', what=event.link.name, condition=condition.name, detail=condition.description)
        self.left -= 1
        if self.left == 0:
            self.done()


def main():
    _, url, what, address, *rest = sys.argv
    if what in ('send', 'anonymous'):
        handler = Send(url, address, rest, what == 'anonymous')
    elif what == 'receive':
        handler = ReceiveSome(url, address, int(rest[0]))
    elif what == 'outcomes':
        handler = Outcomes(url, address)
    elif what == 'drain':
        handler = Drain(url, address)
    elif what == 'wishes':
        handler = Wishes(url, address)
    else:
        sys.exit(f'unknown: {what}')
    Container(handler).run()


main()
