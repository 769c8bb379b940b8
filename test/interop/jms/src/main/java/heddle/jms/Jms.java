package heddle.jms;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.qpid.jms.JmsConnectionFactory;

/**
 * Sends texts to addresses and receives from a queue, as any program of JMS would.
 *
 * <pre>
 * Jms URI USER PASSWORD send ADDRESS TEXT...   each text is a message; `refused` and the reason where one is not taken
 * Jms URI USER PASSWORD anonymous ADDRESS TEXT... the same by a producer without a destination
 * Jms URI USER PASSWORD receive ADDRESS COUNT  accepts so many, and shows them
 * Jms URI USER PASSWORD recover ADDRESS        takes one, recovers the session, and shows both deliveries of it
 * Jms URI USER PASSWORD headers ADDRESS        sends a text with what JMS has beside it to a queue, and shows what comes of that
 * Jms URI USER PASSWORD wishes ADDRESS         asks for what not every broker has; `refused` and the reason, or `given`
 * </pre>
 */
public final class Jms {
  private static final long PATIENCE_MS = 20_000;

  public static void main(String[] args) throws Exception {
    JmsConnectionFactory factory = new JmsConnectionFactory(args[0]);
    // Durable subscriptions are a client's own.
    if (args[3].equals("wishes")) factory.setClientID("wishing");
    Connection connection = factory.createConnection(args[1], args[2]);
    try {
      connection.start();
      switch (args[3]) {
        case "send" -> send(connection, args, false);
        case "anonymous" -> send(connection, args, true);
        case "receive" -> receive(connection, args[4], Integer.parseInt(args[5]));
        case "recover" -> recover(connection, args[4]);
        case "headers" -> headers(connection, args[4]);
        case "wishes" -> wishes(connection, args[4]);
        default -> throw new IllegalArgumentException(args[3]);
      }
    } finally {
      connection.close();
    }
  }

  private static void send(Connection connection, String[] args, boolean isAnonymous) throws JMSException {
    Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    var destination = args[4].startsWith("queue:") ? session.createQueue(args[4]) : session.createTopic(args[4]);
    for (int at = 5; at < args.length; at += 1) {
      try {
        MessageProducer producer = session.createProducer(isAnonymous ? null : destination);
        TextMessage message = session.createTextMessage(args[at]);
        if (isAnonymous) producer.send(destination, message);
        else producer.send(message);
        say("sent", "");
        producer.close();
      } catch (JMSException refused) {
        say("refused", String.valueOf(refused.getMessage()));
      }
    }
  }

  private static void receive(Connection connection, String address, int count) throws JMSException {
    Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
    MessageConsumer consumer = session.createConsumer(session.createQueue(address));
    for (int left = count; left > 0; left -= 1) {
      Message message = consumer.receive(PATIENCE_MS);
      if (message == null) throw new IllegalStateException("nothing came any more");
      show(message);
      message.acknowledge();
    }
  }

  private static void recover(Connection connection, String address) throws JMSException {
    Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
    MessageConsumer consumer = session.createConsumer(session.createQueue(address));
    show(consumer.receive(PATIENCE_MS));
    session.recover();
    Message again = consumer.receive(PATIENCE_MS);
    show(again);
    again.acknowledge();
  }

  private static void headers(Connection connection, String address) throws JMSException {
    Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
    MessageProducer producer = session.createProducer(session.createQueue(address));
    TextMessage sent = session.createTextMessage("with headers");
    sent.setJMSCorrelationID("order-4711");
    sent.setJMSReplyTo(session.createQueue("queue:answers"));
    sent.setJMSType("a type");
    sent.setStringProperty("colour", "gr\u00fcn");
    sent.setIntProperty("count", 5);
    sent.setBooleanProperty("isLarge", true);
    sent.setStringProperty("JMSXGroupID", "group-1");
    producer.setPriority(7);
    producer.setTimeToLive(60_000);
    producer.send(sent);
    MessageConsumer consumer = session.createConsumer(session.createQueue(address));
    Message message = consumer.receive(PATIENCE_MS);
    for (String name :
        new String[] {
          message.getJMSCorrelationID(),
          String.valueOf(message.getJMSReplyTo()),
          message.getJMSType(),
          message.getStringProperty("colour"),
          String.valueOf(message.getIntProperty("count")),
          String.valueOf(message.getBooleanProperty("isLarge")),
          message.getStringProperty("JMSXGroupID"),
          String.valueOf(message.getJMSPriority()),
          String.valueOf(message.getJMSExpiration() > System.currentTimeMillis()),
          String.valueOf(message.getJMSDestination()),
          String.valueOf(message.getJMSDeliveryMode()),
        }) say("header", String.valueOf(name));
    show(message);
    session.recover();
    Message again = consumer.receive(PATIENCE_MS);
    show(again);
    again.acknowledge();
  }

  /** Something that JMS has. */
  private interface Wish {
    void make(Session session) throws JMSException;
  }

  private static void wishes(Connection connection, String address) throws JMSException {
    wish(connection, "selector", session -> session.createConsumer(session.createQueue(address), "colour = 'red'"));
    wish(connection, "browser", session -> session.createBrowser(session.createQueue(address)).getEnumeration());
    wish(connection, "temporary queue", Session::createTemporaryQueue);
    wish(connection, "temporary topic", Session::createTemporaryTopic);
    wish(connection, "durable", session -> session.createDurableConsumer(session.createTopic("topic:a/b"), "mine"));
    wish(connection, "shared", session -> session.createSharedConsumer(session.createTopic("topic:a/b"), "ours"));
    wish(
        connection,
        "delay",
        session -> {
          MessageProducer producer = session.createProducer(session.createQueue(address));
          producer.setDeliveryDelay(1000);
          producer.send(session.createTextMessage("later"));
        });
    try {
      Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
      session.createProducer(session.createQueue(address)).send(session.createTextMessage("never"));
      session.commit();
      say("given", "transaction");
    } catch (JMSException refused) {
      say("refused", "transaction: " + refused.getMessage());
    }
  }

  private static void wish(Connection connection, String what, Wish wish) throws JMSException {
    Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
    try {
      wish.make(session);
      say("given", what);
    } catch (JMSException | UnsupportedOperationException refused) {
      say("refused", what + ": " + refused.getMessage());
    } finally {
      session.close();
    }
  }

  private static void show(Message message) throws JMSException {
    byte[] body;
    if (message instanceof BytesMessage bytes) {
      body = new byte[(int) bytes.getBodyLength()];
      bytes.readBytes(body);
    } else body = ((TextMessage) message).getText().getBytes(StandardCharsets.UTF_8);
    String count = String.valueOf(message.getIntProperty("JMSXDeliveryCount"));
    System.out.printf(
        "{\"said\":\"received\",\"body\":\"%s\",\"attempt\":%s,\"redelivered\":%s}%n",
        Base64.getEncoder().encodeToString(body), count, message.getJMSRedelivered());
  }

  private static void say(String what, String detail) {
    String text = Base64.getEncoder().encodeToString(detail.getBytes(StandardCharsets.UTF_8));
    System.out.printf("{\"said\":\"%s\",\"detail\":\"%s\"}%n", what, text);
  }
}
