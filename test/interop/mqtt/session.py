"""A client of MQTT that is Eclipse Paho: publishes, and receives what it has published. Says what it saw as JSON."""

import json
import os
import queue
import sys
import time

import paho.mqtt.client as mqtt

HOST, PORT, USER, VERSION, TRANSPORT, TOPIC, COUNT = sys.argv[1:8]
PASSWORD = os.environ["MQTT_PASSWORD"]
PROTOCOL = mqtt.MQTTv5 if VERSION == "5" else mqtt.MQTTv311
PATIENCE = 20


def client_of(client_id, clean):
    options = {"client_id": client_id, "protocol": PROTOCOL, "transport": TRANSPORT}
    if PROTOCOL != mqtt.MQTTv5:
        options["clean_session"] = clean
    if hasattr(mqtt, "CallbackAPIVersion"):
        options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
    client = mqtt.Client(**options)
    if TRANSPORT == "websockets":
        client.ws_set_options(path="/protocols/mqtt311ws", headers={"Authorization": f"Bearer {PASSWORD}"})
    else:
        client.username_pw_set(USER, PASSWORD)
    return client


def connected(client, client_id_is_kept=False):
    answers = queue.Queue()
    client.on_connect = lambda _c, _u, flags, code, *_rest: answers.put((flags, int(getattr(code, "value", code))))
    options = {}
    if PROTOCOL == mqtt.MQTTv5:
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 60 if client_id_is_kept else 0
        options = {"clean_start": not client_id_is_kept, "properties": properties}
    client.connect(HOST, int(PORT), keepalive=30, **options)
    client.loop_start()
    flags, code = answers.get(timeout=PATIENCE)
    assert code == 0, f"CONNACK {code}"
    return bool(flags["session present"] if isinstance(flags, dict) else flags.session_present)


def gone(client):
    client.disconnect()
    client.loop_stop()


def received(client):
    messages = queue.Queue()
    client.on_message = lambda _c, _u, message: messages.put((message.topic, message.payload.decode(), message.qos))
    return messages


def subscribed(client):
    answers = queue.Queue()
    client.on_subscribe = lambda *rest: answers.put(rest)
    client.subscribe(f"{TOPIC}/#", qos=1)
    answers.get(timeout=PATIENCE)


count = int(COUNT)
own = f"paho-{VERSION}-{TRANSPORT}-{time.time_ns()}"
receiver = client_of(own, clean=False)
first_present = connected(receiver, client_id_is_kept=True)
messages = received(receiver)
subscribed(receiver)
publisher = client_of(f"{own}-p", clean=True)
connected(publisher)
for n in range(count):
    publisher.publish(f"{TOPIC}/t", f"m{n}", qos=n % 3).wait_for_publish(PATIENCE)
live = [messages.get(timeout=PATIENCE) for _ in range(count)]
gone(receiver)
for n in range(count):
    publisher.publish(f"{TOPIC}/t", f"later{n}", qos=1).wait_for_publish(PATIENCE)
again = client_of(own, clean=False)
later_messages = received(again)
then_present = connected(again, client_id_is_kept=True)
later = [later_messages.get(timeout=PATIENCE) for _ in range(count)]
gone(again)
gone(publisher)
print(json.dumps({"present": [first_present, then_present], "live": live, "later": later}))
