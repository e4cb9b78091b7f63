<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\external;

use core_external\external_api;
use core_external\external_function_parameters;
use core_external\external_single_structure;
use core_external\external_value;
use local_copbridge\event\bridge_pinged;
use local_copbridge\local\outbox;
use local_copbridge\local\sender;

/**
 * An event's round trip: it happens now, and is sent now.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class ping extends external_api {
    /** @var int For how many seconds the sender may go on with what waits before it. */
    private const SECONDS = 20;

    /**
     * Parameters.
     *
     * @return external_function_parameters
     */
    public static function execute_parameters(): external_function_parameters {
        return new external_function_parameters([]);
    }

    /**
     * Has an event sent, even while the sender waits after a failure.
     *
     * @return array
     */
    public static function execute(): array {
        global $DB;
        self::validate_parameters(self::execute_parameters(), []);
        gate::site('ping');
        $event = bridge_pinged::create();
        $event->trigger();
        outbox::add($event);
        // Another sender may take the row, so what counts is whether it is gone, not who sent it.
        $row = $DB->get_field_sql('SELECT MAX(id) FROM {local_copbridge_outbox} WHERE eventname = ?', [$event->eventname]);
        $result = (new sender())->run(time() + self::SECONDS, true);
        return [
            'sent' => !$DB->record_exists('local_copbridge_outbox', ['id' => $row]),
            'outcome' => $result->outcome,
            'httpstatus' => $result->status,
        ];
    }

    /**
     * What is answered.
     *
     * @return external_single_structure
     */
    public static function execute_returns(): external_single_structure {
        return new external_single_structure([
            'sent' => new external_value(PARAM_BOOL, 'Whether the service took it'),
            'outcome' => new external_value(PARAM_RAW, 'How the run ended: delivered, idle, or the code of what went wrong'),
            'httpstatus' => new external_value(PARAM_INT, 'The HTTP status of the service\'s answer; 0: there was none'),
        ]);
    }
}
